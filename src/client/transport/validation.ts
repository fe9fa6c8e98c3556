import { status } from '@grpc/grpc-js';
import type { EndReason as EndReasonEnum } from '../../gen/latchkey/v1/session.ts';
import type { RejectionReason } from '../../validator/verdict.ts';
import { LatchkeyError } from './errors.ts';
import { type NamesOf, unknownOption } from './option-names.ts';

/**
 * Why a session ended: a name of the contract's `EndReason`. `UNSPECIFIED`: unknown.
 *
 * @example
 * const isSuspicious = (reason: EndReasonName) => reason === 'REFRESH_TOKEN_REUSED';
 */
export type EndReasonName = keyof typeof EndReasonEnum;

/**
 * The user and the session of a token. Frozen, because all validations of one token return the same object.
 *
 * @example
 * const isAdmin = ({ roles }: Identity) => roles.includes('admin');
 */
export interface Identity {
  /** A UUID. It stays the same when the username changes. */
  readonly userId: string;
  /** A UUID. */
  readonly sessionId: string;
  /** The application that opened the session. Empty: none was given at login. */
  readonly clientId: string;
  /** The user's roles when the token was issued. */
  readonly roles: readonly string[];
  /** How the user authenticated (RFC 8176), for example `pwd`. */
  readonly authenticationMethods: readonly string[];
  /** When the user signed in. */
  readonly authenticatedAt: Date;
  /** When the token was issued. */
  readonly issuedAt: Date;
  /** When the token expires. */
  readonly expiresAt: Date;
}

/**
 * The token is valid.
 *
 * @example
 * const userOf = (token: AcceptedToken) => token.identity.userId;
 */
export interface AcceptedToken {
  readonly kind: 'accepted';
  readonly identity: Identity;
}

/**
 * The token is not valid.
 *
 * @example
 * const textOf = ({ reason, endReason }: RejectedToken) => endReason ?? reason;
 */
export interface RejectedToken {
  readonly kind: 'rejected';
  /** UNSPECIFIED: a newer service sent a reason that this client does not know. */
  readonly reason: RejectionReason | 'UNSPECIFIED';
  /** Set only with SESSION_ENDED. */
  readonly endReason: EndReasonName | undefined;
  /** What the caller can do: refresh the token, or sign in again. */
  readonly nextStep: 'REFRESH' | 'LOGIN';
}

/**
 * A verdict on a token with its freshness. It has the same form in both modes.
 *
 * @example
 * const verdict: Validation = await latchkey.validate(accessToken);
 * if (verdict.kind === 'rejected' && verdict.nextStep === 'LOGIN') signInAgain();
 */
export type Validation = (AcceptedToken | RejectedToken) & {
  /** The verdict includes every end acknowledged up to this instant, by the service's clock. */
  readonly asOf: Date;
  /** The last revocation that the verdict includes, an opaque position in the log. Empty: the log is empty. */
  readonly revision: string;
};

/**
 * Requirements of a single verdict.
 *
 * @example
 * const { revision } = await latchkey.logout({ refreshToken });
 * const requirements: Requirements = { atLeastRevision: revision };
 * const verdict = await latchkey.validate(accessToken, requirements); // rejected: SESSION_ENDED
 */
export interface Requirements {
  /** `bounded`: the staleness bound applies. `strong`: the service reads the session record. Default: `bounded`. */
  readonly consistency?: 'bounded' | 'strong' | undefined;
  /** The audience that the token must have. Default: the client's `audience`. */
  readonly audience?: string | undefined;
  /** The verdict must include every end up to this revision, as returned by `logout`. Default: no requirement. */
  readonly atLeastRevision?: string | undefined;
  /** Cancels the wait; the validation then fails with CANCELLED. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

const REQUIREMENT_NAMES: NamesOf<Requirements> = {
  consistency: true,
  audience: true,
  atLeastRevision: true,
  signal: true,
};

/** Why the requirements of a validation are invalid. Undefined: they are valid. */
export function requirementsProblem(
  requirements: Requirements | null | undefined,
): LatchkeyError | undefined {
  if (requirements === undefined || requirements === null) return undefined;
  const unknown = unknownOption(requirements, REQUIREMENT_NAMES);
  if (unknown !== undefined) return new LatchkeyError(status.INVALID_ARGUMENT, unknown);
  const consistency: unknown = requirements.consistency;
  if (consistency === undefined || consistency === 'bounded' || consistency === 'strong') return undefined;
  const message = `consistency is ${JSON.stringify(consistency) ?? typeof consistency}; it must be bounded or strong.`;
  return new LatchkeyError(status.INVALID_ARGUMENT, message);
}

/**
 * Validates access tokens, in this process or in the service.
 *
 * @example
 * const isGood = async (validator: TokenValidator, token: string) =>
 *   (await validator.validate(token)).kind === 'accepted';
 * console.log(await isGood(latchkey, accessToken));
 */
export interface TokenValidator {
  /**
   * Validates an access token.
   *
   * @param token the access token, without `Bearer`.
   * @param requirements default: bounded consistency and the client's audience.
   * @throws LatchkeyError if validation is not possible. Then the token must not be accepted.
   *
   * @example
   * const verdict = await latchkey.validate(accessToken, { consistency: 'strong' });
   */
  validate(token: string, requirements?: Requirements): Promise<Validation>;
}
