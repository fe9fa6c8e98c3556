/**
 * Why a call failed. The names are those of `ErrorReason` in `proto/latchkey/v1/error_reason.proto` without the prefix.
 * A contract test compares the two.
 */
export type FailureReason =
  | 'INVALID_FIELD'
  | 'MALFORMED_REQUEST'
  | 'COMPRESSION_UNSUPPORTED'
  | 'REQUEST_TOO_LARGE'
  | 'INVALID_CREDENTIALS'
  | 'INVALID_REFRESH_TOKEN'
  | 'INVALID_ACCESS_TOKEN'
  | 'SESSION_ENDED'
  | 'CALLER_UNAUTHENTICATED'
  | 'CALLER_FORBIDDEN'
  | 'SIGN_IN_RISK'
  | 'LOGIN_QUEUE_FULL'
  | 'TOO_MANY_ATTEMPTS'
  | 'TOO_MANY_WATCHES'
  | 'STORE_UNAVAILABLE'
  | 'END_UNCONFIRMED'
  | 'DRAINING'
  | 'WATCH_TOO_SLOW'
  | 'USER_NOT_FOUND'
  | 'USERNAME_TAKEN'
  | 'USER_CHANGED'
  | 'LAST_ADMIN'
  | 'SESSION_NOT_FOUND'
  | 'TICKET_NOT_FOUND'
  | 'TICKET_OVER'
  | 'NOT_TICKET_APPROVER'
  | 'TICKET_POLLED_TOO_OFTEN'
  | 'PROVIDER_NOT_FOUND'
  | 'FLOW_NOT_FOUND'
  | 'FLOW_OVER'
  | 'FLOW_IN_PROGRESS'
  | 'PROVIDER_REFUSED'
  | 'PROVIDER_ANSWER_INVALID'
  | 'PROVIDER_UNAVAILABLE'
  | 'IDENTITY_NOT_LINKED'
  | 'IDENTITY_TAKEN'
  | 'IDENTITY_NOT_FOUND'
  | 'LAST_SIGN_IN_METHOD'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'INTERNAL';

/** An invalid field of a request. `field` is its proto path, for example `device.name`. */
export interface FieldViolation {
  readonly field: string;
  /** For people: what is wrong, and what is valid. */
  readonly description: string;
}

export interface FailureDetails {
  /** Sent as ErrorInfo.metadata. `error_reason.proto` lists the keys of each reason. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Sent as BadRequest. */
  readonly violations?: readonly FieldViolation[];
  /** Sent as RetryInfo; milliseconds. */
  readonly retryAfterMs?: number;
  /** The original error. Logged, never sent. */
  readonly cause?: unknown;
}

/** The only error that core and adapters throw on purpose. Any other error is a bug. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly reason: FailureReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /**
   * @param message for people: what failed, where, and what to do. It is sent to the caller, so it must not contain
   * secrets.
   */
  constructor(reason: FailureReason, message: string, details: FailureDetails = {}) {
    super(message, { cause: details.cause });
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The stores that STORE_UNAVAILABLE can name. */
export type StoreName = 'sessions' | 'revocations' | 'users' | 'keys' | 'audit';

/** A store did not respond in time, or responded with an error. */
export function storeUnavailable(store: StoreName, cause: unknown): Failure {
  return new Failure('STORE_UNAVAILABLE', `The ${store} store did not answer; try again.`, {
    metadata: { store },
    cause,
  });
}

/** This server is about to stop. */
export function draining(): Failure {
  return new Failure('DRAINING', 'The server is shutting down; retry on another connection.');
}

/** One field is invalid. */
export function invalidField(field: string, description: string): Failure {
  return new Failure('INVALID_FIELD', `${field}: ${description}`, { violations: [{ field, description }] });
}
