import type { Revocation } from '../validator/revocation-set.ts';
import { type Access, decide } from './access.ts';
import { demandFault } from './connect-options.ts';
import { LatchkeyError } from './errors.ts';
import { checkOptionNames, type NamesOf } from './option-names.ts';
import type { Identity, RejectedToken, TokenValidator, ValidateDemand } from './validation.ts';

/** What a guard needs of a client. */
export interface GuardClient extends TokenValidator {
  /** `remote`: `onEnding` is not called, and calls under way are judged again once a second. Default: `local`. */
  readonly mode?: 'local' | 'remote';
  /** Tells every ending as it is heard; the answer takes the listener away again. */
  onEnding(listener: (revocation: Revocation) => void): () => void;
}

export interface GuardOptions {
  /** How current verdicts must be, and for whom. Default: as the client is set. */
  readonly demand?: ValidateDemand;
  /**
   * Told why a call was refused because nobody could say whether its token is good: callers are not told more
   * than to come back. Here a wrong certificate or a missing role of this service is seen. Called once a second at
   * most, so that it can log; `calls` is how many have been refused for that since it was called last.
   */
  readonly onUndecided?: (error: unknown, calls: number) => void;
}

const GUARD_NAMES: NamesOf<GuardOptions> = { demand: true, onUndecided: true };

/** Throws a `TypeError` where the client or an option of a guard is not what it must be. @param more options it has. */
export function checkGuard(
  guard: string,
  client: unknown,
  options: GuardOptions,
  more: Readonly<Record<string, true>> = {},
): void {
  const { validate, onEnding } = (client ?? {}) as Partial<GuardClient>;
  if (typeof validate !== 'function' || typeof onEnding !== 'function') {
    throw new TypeError(`${guard}: the first argument must be a client, as connect() returns it.`);
  }
  checkOptionNames(guard, options, { ...more, ...GUARD_NAMES });
  const problem = demandFault(options.demand);
  if (problem !== undefined) throw new TypeError(`${guard}: demand: ${problem.message}`);
}

export type Admission = { readonly kind: 'admitted'; readonly identity: Identity | undefined } | Refusal;

/** Why a call is refused, and what its caller can do. `message` is for people and says no secret. */
export type Refusal =
  | {
      readonly kind: 'unauthenticated';
      readonly message: string;
      /** Whether a token, or something meant to be one, was sent. */
      readonly tokenSent: boolean;
      readonly nextStep: 'REFRESH' | 'LOGIN';
    }
  | { readonly kind: 'forbidden'; readonly message: string; readonly anyRole: readonly string[] }
  /** Nobody could say whether the token is good: never a yes, and no fault of the caller's. */
  | { readonly kind: 'undecided'; readonly message: string; readonly retryAfterMs: number };

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const BEARER_SCHEME = /^Bearer(?![^\s,])/i;
const RETRY_AFTER_MS = 1_000;
const REPORT_INTERVAL_MS = 1_000;

/**
 * Judges who makes a call. Never fails: that it could not be found out is a refusal too.
 *
 * @param authorization the values of every `authorization` entry; one is good (RFC 6750, section 2.1).
 */
export async function admit(
  client: TokenValidator,
  authorization: readonly string[],
  access: Access,
  { demand, onUndecided }: GuardOptions,
): Promise<Admission> {
  if (access === 'public') return { kind: 'admitted', identity: undefined };
  const [token = '', ...others] = authorization;
  const bearer = others.length === 0 ? BEARER.exec(token)?.[1] : undefined;
  if (bearer === undefined) return withoutToken(authorization);
  try {
    const decision = decide(await client.validate(bearer, demand), access);
    switch (decision.kind) {
      case 'admitted':
        return decision;
      case 'unauthenticated':
        return rejection(decision.rejection);
      case 'forbidden':
        return { ...decision, message: `This needs the role ${decision.anyRole.join(' or ')}.` };
    }
  } catch (error) {
    // In a turn of its own: whatever the listener does, the caller gets an answer.
    if (onUndecided !== undefined) queueMicrotask(() => onUndecided(error, 1));
    return undecided(error);
  }
}

/** The same options, but `onUndecided` is called at once and then once a second at most. To be shared by all calls. */
export function onceASecond(options: GuardOptions): GuardOptions {
  const { onUndecided } = options;
  if (onUndecided === undefined) return options;
  let last: unknown;
  let calls = 0;
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    if (calls === 0) return;
    const told = calls;
    calls = 0;
    timer = setTimeout(tell, REPORT_INTERVAL_MS).unref();
    onUndecided(last, told);
  };
  const note = (error: unknown): void => {
    last = error;
    calls += 1;
    if (timer === undefined) tell();
  };
  return { ...options, onUndecided: note };
}

/**
 * What a call under way is judged by, again and again: the bound on staleness is enough, whatever was asked for at
 * the door.
 */
export function whileUnderWay({ demand, onUndecided }: GuardOptions): GuardOptions {
  const audience = demand?.audience;
  return {
    ...(audience === undefined ? {} : { demand: { audience } }),
    ...(onUndecided === undefined ? {} : { onUndecided }),
  };
}

/** The refusal of a token that is not good. */
export function rejection({ reason, endReason, nextStep }: RejectedToken): Refusal {
  const why = endReason === undefined ? reason : `${reason} (${endReason})`;
  const message = `The access token is not good: ${why}.`;
  return { kind: 'unauthenticated', message, tokenSent: true, nextStep };
}

function withoutToken(authorization: readonly string[]): Refusal {
  const tokenSent = authorization.length > 1 || authorization.some((value) => BEARER_SCHEME.test(value));
  const message = tokenSent
    ? '`authorization` must be one entry of the form `Bearer <access token>`.'
    : 'This needs `authorization: Bearer <access token>`.';
  return { kind: 'unauthenticated', message, tokenSent, nextStep: 'LOGIN' };
}

function undecided(error: unknown): Refusal {
  const retryAfterMs = error instanceof LatchkeyError ? error.retryAfterMs : undefined;
  return {
    kind: 'undecided',
    message: 'Nobody can say just now whether the access token is good: try again.',
    retryAfterMs: retryAfterMs ?? RETRY_AFTER_MS,
  };
}
