import type { AccessTokenClaims } from './access-token.ts';
import type { Clock } from './clock.ts';
import { reaches } from './revision.ts';
import type { TokenVerifier, Unverified, VerifiedToken } from './token-verifier.ts';
import { type Requirements, rejected, type ValidationResult, type Verdict } from './verdict.ts';

/** The local copy of the revocation log, with its freshness. */
export interface RevocationCopy {
  /** Why the session has ended; undefined: no revocation is held. */
  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined;
  /** The revision up to which the log is held; undefined: none, or the log is empty. */
  readonly revision: string | undefined;
  /** All revocations acknowledged up to this time are held; milliseconds since 1970, 0: none yet. */
  readonly asOf: number;
  /** The age of `asOf` by the monotonic clock; milliseconds, `Infinity`: nothing is held yet. */
  readonly ageMs: number;
  /** When the log began; milliseconds since 1970, `Infinity`: not known yet. */
  readonly coveredSince: number;
  /** Revocations that expired up to this time may have been dropped; milliseconds since 1970, 0: none were. */
  readonly forgottenUntil: number;
}

export interface ValidatorOptions {
  readonly verifier: TokenVerifier;
  readonly revocations: RevocationCopy;
  readonly clock: Clock;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly maxStalenessMs: number;
  /**
   * Maximum time that a token is accepted after its issue; milliseconds. The log keeps a revocation only this long. So
   * tokens with a longer lifetime, from an earlier configuration, are not accepted for longer.
   */
  readonly maxTokenLifeMs: number;
}

/** The local copy does not suffice: the caller must read the session record. */
export interface Undecided {
  readonly verdict: undefined;
  /**
   * `stale`: older than the staleness bound. `behind`: does not have the requested revision. `not-covered`: the token
   * was issued before the log began. `strong`: STRONG was requested.
   */
  readonly because: 'stale' | 'behind' | 'not-covered' | 'strong';
  readonly token: VerifiedToken;
}

/** Maximum clock difference between two servers; milliseconds. A token may be issued this far in the future. */
export const CLOCK_LEEWAY_MS = 5_000;

/**
 * Decides whether an access token is good now. Checks signature, claims, revocation and freshness, in this order.
 * Permanent faults are reported first. A known revocation is reported even if the local copy is stale.
 */
export class Validator {
  readonly #options: ValidatorOptions;

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /** Returns synchronously for a cached token. */
  validate(
    token: string,
    requirements: Requirements,
  ): ValidationResult | Undecided | Promise<ValidationResult | Undecided> {
    const known = this.#options.verifier.findCached(token);
    if (known !== undefined) return this.#validateVerified(known, requirements);
    return this.#options.verifier.verify(token).then((result) => this.#validateResult(result, requirements));
  }

  /** Checks signature and claims only. The session of an accepted token may have ended. */
  async verify(token: string): Promise<Verdict> {
    const { verifier } = this.#options;
    const result = verifier.findCached(token) ?? (await verifier.verify(token));
    if ('reason' in result) return rejected(result.reason);
    const fault = this.#faultOf(result.claims, undefined);
    return fault === undefined ? result.accepted : rejected(fault);
  }

  /** Records that the session record was live at `at`. From then on the log covers the token. */
  noteAlive(token: VerifiedToken, at: number): void {
    token.coveredFrom = Math.max(token.coveredFrom, at);
  }

  #validateResult(
    result: VerifiedToken | Unverified,
    requirements: Requirements,
  ): ValidationResult | Undecided {
    if (!('reason' in result)) return this.#validateVerified(result, requirements);
    return this.#result(rejected(result.reason));
  }

  #validateVerified(token: VerifiedToken, requirements: Requirements): ValidationResult | Undecided {
    const { claims } = token;
    const { revocations, maxStalenessMs } = this.#options;
    const fault = this.#faultOf(claims, requirements.audience);
    if (fault !== undefined) return this.#result(rejected(fault));
    const endReason = revocations.endReasonOf(claims.userId, claims.sessionId, claims.sessionCreatedAt);
    if (endReason !== undefined) return this.#result(rejected('SESSION_ENDED', endReason));

    if (requirements.consistency === 'STRONG') return { verdict: undefined, because: 'strong', token };
    if (revocations.ageMs > maxStalenessMs) return { verdict: undefined, because: 'stale', token };
    if (
      requirements.atLeastRevision !== undefined &&
      !reaches(revocations.revision, requirements.atLeastRevision)
    ) {
      return { verdict: undefined, because: 'behind', token };
    }
    if (token.coveredFrom < revocations.coveredSince + CLOCK_LEEWAY_MS) {
      return { verdict: undefined, because: 'not-covered', token };
    }
    return this.#result(token.accepted);
  }

  #faultOf(claims: AccessTokenClaims, audience: string | undefined) {
    const { issuer, audiences, maxTokenLifeMs, revocations } = this.#options;
    // An expired token stays expired even if the clock is set back, because its revocation may have been dropped.
    const now = Math.max(this.#options.clock.now(), revocations.forgottenUntil);
    if (claims.issuer !== issuer) return 'ISSUER';
    const meant =
      audience === undefined
        ? claims.audiences.some((name) => audiences.includes(name))
        : claims.audiences.includes(audience);
    if (!meant) return 'AUDIENCE';
    if (Math.min(claims.expiresAt, claims.issuedAt + maxTokenLifeMs) <= now) return 'EXPIRED';
    if (claims.issuedAt > now + CLOCK_LEEWAY_MS) return 'NOT_YET_VALID';
    return undefined;
  }

  #result(verdict: ValidationResult['verdict']): ValidationResult {
    const { asOf, revision } = this.#options.revocations;
    return { verdict, asOf, revision };
  }
}
