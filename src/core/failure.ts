/**
 * Why the domain refuses or cannot do what it was asked. The names are those of `ErrorReason` in
 * `proto/latchkey/v1/error_reason.proto` without the prefix; the contract test holds the two together.
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
  | 'LOGIN_QUEUE_FULL'
  | 'STORE_UNAVAILABLE'
  | 'ENDING_UNCONFIRMED'
  | 'DRAINING'
  | 'WATCH_TOO_SLOW'
  | 'USER_NOT_FOUND'
  | 'USERNAME_TAKEN'
  | 'USER_CHANGED'
  | 'LAST_ADMIN'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'INTERNAL';

/** One field of a request that is not as it must be; `field` is its proto path, for example `device.name`. */
export interface FieldViolation {
  readonly field: string;
  /** What is wrong and what would be right, for people. */
  readonly description: string;
}

export interface FailureDetails {
  /** Goes into ErrorInfo.metadata; the keys of each reason are listed in `error_reason.proto`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Goes into BadRequest. */
  readonly violations?: readonly FieldViolation[];
  /** Goes into RetryInfo; milliseconds. */
  readonly retryAfterMs?: number;
  /** What the failure was translated from. Logged, never sent. */
  readonly cause?: unknown;
}

/** The one error that core and adapters throw on purpose. Anything else that is thrown is a fault of ours. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly reason: FailureReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** @param message for people: what was wrong, where, what to do; no secrets, it is sent to the caller. */
  constructor(reason: FailureReason, message: string, details: FailureDetails = {}) {
    super(message, { cause: details.cause });
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The stores a `STORE_UNAVAILABLE` can name. */
export type StoreName = 'sessions' | 'revocations' | 'users' | 'keys';

/** A store did not answer in time, or answered with a fault. */
export function storeUnavailable(store: StoreName, cause: unknown): Failure {
  return new Failure('STORE_UNAVAILABLE', `The ${store} store did not answer; try again.`, {
    metadata: { store },
    cause,
  });
}

/** One field is not as it must be. */
export function invalidField(field: string, description: string): Failure {
  return new Failure('INVALID_FIELD', `${field}: ${description}`, { violations: [{ field, description }] });
}
