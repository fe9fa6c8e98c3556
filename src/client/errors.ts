import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { type ConnectionFault, connectionFault, explained } from './connection-fault.ts';
import { millisecondsOf } from './durations.ts';

/** One field of a request that the service refused; `field` is its proto path, for example `device.name`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** Why a call failed. Everything that a call of the client throws is one of these; `message` names the method. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  /** What failed: the rpc, for example `Login`; of `validate` it is `Validate`, of `ready` it is `ready`. */
  readonly method: string | undefined;
  /** The message without the method. */
  readonly details: string;
  /** The gRPC status code. */
  readonly code: status;
  /**
   * A name of `ErrorReason` without the prefix, for example `USERNAME_TAKEN`; a newer service may send one that
   * this client does not know. Undefined: the answer, if there was one, did not come from latchkey.
   */
  readonly reason: string | undefined;
  /** What the reason says more; the keys of each are listed in `error_reason.proto`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  /** When to try again, milliseconds from now; undefined: the service did not say. */
  readonly retryAfterMs: number | undefined;
  /**
   * True: no service has processed the request, because it was not sent or its stream was refused. Repeating it is
   * safe, also for a `login`. False: it may have been carried out.
   */
  readonly isUnsent: boolean;
  /** Why no answer of latchkey came, where it can be told. Undefined: there was one, or it cannot. */
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
    this.isUnsent = more.isUnsent ?? false;
    this.connectionFault = more.connectionFault;
  }

  /**
   * Whether there was no answer: no connection, or no answer in time. Unless `isUnsent`, the request may have been
   * carried out.
   */
  get isUnreachable(): boolean {
    return (
      this.reason === undefined &&
      (this.code === status.UNAVAILABLE || this.code === status.DEADLINE_EXCEEDED)
    );
  }

  /** Whether the same call can succeed later: nobody answered, or the service says that it cannot just now. */
  get isUnavailable(): boolean {
    return this.isUnreachable || this.code === status.UNAVAILABLE;
  }
}

interface ErrorDetails {
  readonly method: string | undefined;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly isUnsent: boolean;
  readonly connectionFault: ConnectionFault | undefined;
}

/** Where a call was sent. */
export interface Target {
  readonly address: string;
  readonly isTls: boolean;
}

const DOMAIN = 'latchkey';
const DETAILS_KEY = 'grpc-status-details-bin';

/**
 * The error of a failed call with what its `google.rpc.Status` says. Never throws, whatever the bytes are. Where there
 * was no answer the error of the transport is explained, and not kept as the cause: it is not for people.
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
    // Written by something in between that is not latchkey; code and message still tell.
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
