import type { AccessTokenClaims } from './access-token.ts';
import type { Clock } from './clock.ts';
import { reaches } from './revision.ts';
import type { TokenVerifier, Unverified, VerifiedToken } from './token-verifier.ts';
import { type Demand, type Judgement, rejected } from './verdict.ts';

/** What is known of the revocation log, and how much of it. */
export interface RevocationView {
  /** Why the session has ended; undefined: nothing is known against it. */
  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined;
  /** The place up to which the log is known; undefined: nothing of it, or it is empty. */
  readonly revision: string | undefined;
  /** Every ending acknowledged up to this instant is known; milliseconds since 1970, 0: nothing is known yet. */
  readonly asOf: number;
  /** How long ago that was, by a clock that does not jump; milliseconds, `Infinity`: nothing is known yet. */
  readonly ageMs: number;
  /** When the log began; milliseconds since 1970, `Infinity`: not known yet. */
  readonly coveredSince: number;
  /** Endings that nobody could need after this instant may be forgotten; milliseconds since 1970, 0: none are. */
  readonly forgottenUntil: number;
}

export interface ValidatorOptions {
  readonly verifier: TokenVerifier;
  readonly revocations: RevocationView;
  readonly clock: Clock;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly maxStalenessMs: number;
  /**
   * The longest a token may be used after its issue; milliseconds. The log keeps an ending for this long and no
   * longer, so a token that was issued for more, under an earlier configuration, is not believed for more.
   */
  readonly maxTokenLifeMs: number;
}

/** What is known locally does not suffice: somebody has to look at the session record. */
export interface Undecided {
  readonly verdict: undefined;
  /** Older than the staleness bound; behind the revision asked for; from before the log began; or STRONG was asked. */
  readonly because: 'stale' | 'behind' | 'not-covered' | 'strong';
  readonly token: VerifiedToken;
}

/** Clocks of two servers may differ by this much; milliseconds. A token may come from so far in the future. */
export const CLOCK_LEEWAY_MS = 5_000;

/**
 * Is this access token good now? Signature, claims, revocation, freshness, in this order: what makes a token
 * bad for good is said first, and an ending that is known is told even when the log is stale.
 */
export class Validator {
  readonly #options: ValidatorOptions;

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /** Answers at once for a token that was seen before. */
  judge(token: string, demand: Demand): Judgement | Undecided | Promise<Judgement | Undecided> {
    const known = this.#options.verifier.recall(token);
    if (known !== undefined) return this.#judgeVerified(known, demand);
    return this.#options.verifier.verify(token).then((result) => this.#judgeResult(result, demand));
  }

  /** Notes that the session record was seen alive: from `at` on the log covers the token. */
  noteAlive(token: VerifiedToken, at: number): void {
    token.coveredFrom = Math.max(token.coveredFrom, at);
  }

  #judgeResult(result: VerifiedToken | Unverified, demand: Demand): Judgement | Undecided {
    if (!('reason' in result)) return this.#judgeVerified(result, demand);
    return this.#judgement(rejected(result.reason));
  }

  #judgeVerified(token: VerifiedToken, demand: Demand): Judgement | Undecided {
    const { claims } = token;
    const { revocations, maxStalenessMs } = this.#options;
    const fault = this.#faultOf(claims, demand.audience);
    if (fault !== undefined) return this.#judgement(rejected(fault));
    const endReason = revocations.endReasonOf(claims.userId, claims.sessionId, claims.sessionCreatedAt);
    if (endReason !== undefined) return this.#judgement(rejected('SESSION_ENDED', endReason));

    if (demand.consistency === 'STRONG') return { verdict: undefined, because: 'strong', token };
    if (revocations.ageMs > maxStalenessMs) return { verdict: undefined, because: 'stale', token };
    if (demand.atLeastRevision !== undefined && !reaches(revocations.revision, demand.atLeastRevision)) {
      return { verdict: undefined, because: 'behind', token };
    }
    if (token.coveredFrom < revocations.coveredSince + CLOCK_LEEWAY_MS) {
      return { verdict: undefined, because: 'not-covered', token };
    }
    return this.#judgement(token.accepted);
  }

  #faultOf(claims: AccessTokenClaims, audience: string | undefined) {
    const { issuer, audiences, maxTokenLifeMs, revocations } = this.#options;
    // A token that has expired stays so, also where the clock is set back: what ended its session may be forgotten.
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

  #judgement(verdict: Judgement['verdict']): Judgement {
    const { asOf, revision } = this.#options.revocations;
    return { verdict, asOf, revision };
  }
}
