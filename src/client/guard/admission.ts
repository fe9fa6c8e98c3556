import { bearerTokenOf } from '../../validator/bearer-token.ts';
import { LatchkeyError } from '../transport/errors.ts';
import { checkOptionNames, type NamesOf } from '../transport/option-names.ts';
import type { Revocation } from '../transport/revocation.ts';
import {
  type Identity,
  type RejectedToken,
  type Requirements,
  requirementsProblem,
  type TokenValidator,
} from '../transport/validation.ts';
import { type Access, decide } from './access.ts';

/**
 * The part of a client that a guard uses.
 *
 * @example
 * const guardFor = (client: GuardClient) => grpcGuard(client, { otherwise: 'public' });
 * const server = new Server({ interceptors: [guardFor(latchkey)] });
 */
export interface GuardClient extends TokenValidator {
  /** With `remote` a guard does not call `onRevocation`, and finds ended sessions once a second. Default: `local`. */
  readonly mode?: 'local' | 'remote' | undefined;
  /** Calls the listener for every new revocation. Returns a function that removes it. */
  onRevocation(listener: (revocation: Revocation) => void): () => void;
}

/**
 * Options of every guard.
 *
 * @example
 * const options: GuardOptions = { onUndecided: (error, calls) => log.error({ err: error, calls }) };
 * const guard = expressGuard(latchkey, options);
 */
export interface GuardOptions {
  /** Requirements of the verdicts. Default: bounded consistency and the client's audience. */
  readonly requirements?: Requirements | undefined;
  /**
   * Called when calls are refused because validation failed. Callers only see that they should retry, so log the cause
   * here. It may be a wrong certificate, or a missing role of this service. Called at most once a second; `calls` is
   * the number of calls refused since the last time. What it throws becomes an uncaught exception. Default: none.
   */
  readonly onUndecided?: ((error: unknown, calls: number) => void) | undefined;
}

const GUARD_NAMES: NamesOf<GuardOptions> = { requirements: true, onUndecided: true };

/** Throws a `TypeError` if the client or an option is invalid. @param more further option names of this guard. */
export function checkGuard(
  guard: string,
  client: unknown,
  options: GuardOptions,
  more: Readonly<Record<string, true>> = {},
): void {
  const { validate, onRevocation } = (client ?? {}) as Partial<GuardClient>;
  if (typeof validate !== 'function' || typeof onRevocation !== 'function') {
    throw new TypeError(`${guard}: the first argument must be a client, as connect() returns it.`);
  }
  checkOptionNames(guard, options, { ...more, ...GUARD_NAMES });
  const problem = requirementsProblem(options.requirements);
  if (problem !== undefined) throw new TypeError(`${guard}: requirements: ${problem.message}`);
}

export type Admission = { readonly kind: 'admitted'; readonly identity: Identity | undefined } | Refusal;

/** Why a call is refused, and what its caller can do. `message` contains no secrets. */
export type Refusal =
  | {
      readonly kind: 'unauthenticated';
      readonly message: string;
      /** Whether the caller sent a token, even a malformed one. */
      readonly tokenSent: boolean;
      readonly nextStep: 'REFRESH' | 'LOGIN';
    }
  | { readonly kind: 'forbidden'; readonly message: string; readonly anyRole: readonly string[] }
  /** Validation was not possible. The caller is not at fault and may retry. */
  | { readonly kind: 'undecided'; readonly message: string; readonly retryAfterMs: number };

const BEARER_SCHEME = /^Bearer(?![^\s,])/i;
const RETRY_AFTER_MS = 1_000;
const REPORT_INTERVAL_MS = 1_000;

/**
 * Decides whether a caller is admitted. Never fails: if validation is not possible, the call is refused.
 *
 * @param authorization the values of all `authorization` entries; exactly one is allowed (RFC 6750, section 2.1).
 */
export async function admit(
  client: TokenValidator,
  authorization: readonly string[],
  access: Access,
  { requirements, onUndecided }: GuardOptions,
): Promise<Admission> {
  if (access === 'public') return { kind: 'admitted', identity: undefined };
  const token = bearerTokenOf(authorization);
  if (token === undefined) return withoutToken(authorization);
  try {
    const decision = decide(await client.validate(token, requirements), access);
    switch (decision.kind) {
      case 'admitted':
        return decision;
      case 'unauthenticated':
        return rejection(decision.rejection);
      case 'forbidden':
        return { ...decision, message: `This call requires the role ${decision.anyRole.join(' or ')}.` };
    }
  } catch (error) {
    // In a microtask, so that the caller gets an answer even if the listener throws.
    if (onUndecided !== undefined) queueMicrotask(() => onUndecided(error, 1));
    return undecided(error);
  }
}

/** Limits `onUndecided` to one call a second; the first is immediate. All calls of a guard share the result. */
export function withLimitedReports(options: GuardOptions): GuardOptions {
  const { onUndecided } = options;
  if (onUndecided === undefined) return options;
  let last: unknown;
  let calls = 0;
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    timer = undefined;
    if (calls === 0) return;
    const reported = calls;
    calls = 0;
    timer = setTimeout(report, REPORT_INTERVAL_MS).unref();
    onUndecided(last, reported);
  };
  const record = (error: unknown): void => {
    last = error;
    calls += 1;
    if (timer === undefined) report();
  };
  return { ...options, onUndecided: record };
}

/** The options for validating a call in progress again. Bounded consistency suffices, even if it began with strong. */
export function revalidationOptions({ requirements, onUndecided }: GuardOptions): GuardOptions {
  const audience = requirements?.audience;
  return {
    ...(audience === undefined ? {} : { requirements: { audience } }),
    ...(onUndecided === undefined ? {} : { onUndecided }),
  };
}

/** The refusal of an invalid token. */
export function rejection({ reason, endReason, nextStep }: RejectedToken): Refusal {
  const why = endReason === undefined ? reason : `${reason} (${endReason})`;
  const message = `The access token was rejected: ${why}.`;
  return { kind: 'unauthenticated', message, tokenSent: true, nextStep };
}

function withoutToken(authorization: readonly string[]): Refusal {
  const tokenSent = authorization.length > 1 || authorization.some((value) => BEARER_SCHEME.test(value));
  const message = tokenSent
    ? '`authorization` must be one entry of the form `Bearer <access token>`.'
    : 'This call requires `authorization: Bearer <access token>`.';
  return { kind: 'unauthenticated', message, tokenSent, nextStep: 'LOGIN' };
}

function undecided(error: unknown): Refusal {
  const retryAfterMs = error instanceof LatchkeyError ? error.retryAfterMs : undefined;
  return {
    kind: 'undecided',
    message: 'Token validation is temporarily unavailable; retry.',
    retryAfterMs: retryAfterMs ?? RETRY_AFTER_MS,
  };
}
