import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../gen/google/rpc/error_details.ts';
import { Status } from '../../gen/google/rpc/status.ts';
import { type ConnectionFault, connectionFault, explained } from './connection-fault.ts';
import { millisecondsOf } from './durations.ts';

/**
 * An invalid field of a request.
 *
 * @example
 * const lineOf = ({ field, description }: FieldViolation) => `${field} ${description}`;
 */
export interface FieldViolation {
  /** The proto path of the field, for example `device.name`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/**
 * A session of a user who is at the session limit, as shown before the user has signed in.
 *
 * @example
 * const choiceOf = ({ deviceName, lastSeenAt }: SessionSummary) => `${deviceName}, ${lastSeenAt.toISOString()}`;
 */
export interface SessionSummary {
  /** Pass it to `login` as `endSessionId`. */
  readonly sessionId: string;
  /** The name given at sign-in. Empty: unknown. */
  readonly deviceName: string;
  /** Empty: unknown. */
  readonly platform: string;
  readonly createdAt: Date;
  /** When the session was last refreshed. */
  readonly lastSeenAt: Date;
}

/**
 * The error of a failed call. Calls of the client throw nothing else. `message` starts with the method.
 *
 * @example
 * try {
 *   await latchkey.refresh({ refreshToken });
 * } catch (error) {
 *   if (error instanceof LatchkeyError && error.reason === 'SESSION_ENDED') signInAgain();
 *   else throw error;
 * }
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  /** The RPC that failed, for example `Login`. `Validate` for `validate`, and `ready` for `ready`. */
  readonly method: string | undefined;
  /** The message without the method. */
  readonly details: string;
  /** The gRPC status code. */
  readonly code: status;
  /**
   * A name of `ErrorReason` without the prefix, for example `USERNAME_TAKEN`, or `SESSION_LIMIT_REACHED` of `login`.
   * A newer service may send a name that this client does not know. Undefined: there was no answer, or it did not come
   * from latchkey.
   */
  readonly reason: string | undefined;
  /** Details of the reason. `error_reason.proto` lists the keys of each reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The invalid fields of the request. Empty: the service named none. */
  readonly violations: readonly FieldViolation[];
  /** How long to wait before a retry, in milliseconds. Undefined: the service did not say. */
  readonly retryAfterMs: number | undefined;
  /** With SESSION_LIMIT_REACHED: sessions that the user may end, oldest first; at most 20. Otherwise empty. */
  readonly sessions: readonly SessionSummary[];
  /**
   * True: no service has processed the request. It was not sent, or its stream was refused, so every call is safe to
   * repeat, including `login`. False: the request may have taken effect.
   */
  readonly isUnsent: boolean;
  /** Why there was no answer from latchkey. Undefined: there was one, or the cause is unknown. */
  readonly connectionFault: ConnectionFault | undefined;

  constructor(code: status, details: string, more: Partial<ErrorDetails> = {}, cause?: unknown) {
    super(
      more.method === undefined ? details : `${more.method}: ${details}`,
      cause === undefined ? {} : { cause },
    );
    this.method = more.method;
    this.details = details;
    this.code = code;
    this.reason = more.reason;
    this.metadata = more.metadata ?? {};
    this.violations = more.violations ?? [];
    this.retryAfterMs = more.retryAfterMs;
    this.sessions = more.sessions ?? [];
    this.isUnsent = more.isUnsent ?? false;
    this.connectionFault = more.connectionFault;
  }

  /**
   * Whether there was no answer: no connection, or no answer in time. Unless `isUnsent` is true, the request may have
   * taken effect.
   */
  get isUnreachable(): boolean {
    return (
      this.reason === undefined &&
      (this.code === status.UNAVAILABLE || this.code === status.DEADLINE_EXCEEDED)
    );
  }

  /** Whether the same call can succeed later: there was no answer, or the service is temporarily unavailable. */
  get isUnavailable(): boolean {
    return this.isUnreachable || this.code === status.UNAVAILABLE;
  }
}

/** Whether the service refused the token that was sent with the call. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof LatchkeyError && error.reason === 'CALLER_UNAUTHENTICATED';
}

interface ErrorDetails {
  readonly method: string | undefined;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly sessions: readonly SessionSummary[];
  readonly isUnsent: boolean;
  readonly connectionFault: ConnectionFault | undefined;
}

/** The destination of a call. */
export interface Target {
  readonly address: string;
  readonly isTls: boolean;
}

/** The domain of ErrorInfo. */
export const DOMAIN = 'latchkey';
/** The metadata key of a google.rpc.Status. */
export const DETAILS_KEY = 'grpc-status-details-bin';

/**
 * The error of a failed call, with the details of its `google.rpc.Status`. Never throws, whatever the bytes are. If
 * there was no answer, `connectionFault` replaces the transport's error, which is hard to read.
 *
 * @param isUnsent see `LatchkeyError.isUnsent`.
 */
export function latchkeyError(error: ServiceError, to: Target, isUnsent = false): LatchkeyError {
  const details = readDetails(error.metadata);
  const isAnswered = Object.keys(details).length > 0;
  const fault = isAnswered ? undefined : connectionFault(error, to.isTls);
  return fault === undefined
    ? new LatchkeyError(error.code, error.details, { ...details, isUnsent }, error)
    : new LatchkeyError(error.code, explained(to.address, fault), { isUnsent, connectionFault: fault });
}

function readDetails(metadata: Metadata): Partial<ErrorDetails> {
  const [bytes] = metadata.get(DETAILS_KEY);
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    const parts = Status.decode(bytes).details.map(({ typeUrl, value }) => readDetail(typeUrl, value));
    return Object.assign({}, ...parts) as Partial<ErrorDetails>;
  } catch {
    // A proxy wrote these bytes, not latchkey. Code and message remain usable.
    return {};
  }
}

function readDetail(typeUrl: string, value: Uint8Array): Partial<ErrorDetails> {
  switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
    case 'google.rpc.ErrorInfo': {
      const { domain, reason, metadata } = ErrorInfo.decode(value);
      return domain === DOMAIN ? { reason, metadata } : {};
    }
    case 'google.rpc.BadRequest': {
      const { fieldViolations } = BadRequest.decode(value);
      return { violations: fieldViolations.map(({ field, description }) => ({ field, description })) };
    }
    case 'google.rpc.RetryInfo': {
      const retryAfterMs = millisecondsOf(RetryInfo.decode(value).retryDelay);
      return retryAfterMs === undefined ? {} : { retryAfterMs };
    }
    default:
      return {};
  }
}
