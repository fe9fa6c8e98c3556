import type { AccessTokenClaims } from './access-token.ts';

/** Names of `RejectionReason` in `proto/latchkey/v1/validation.proto` without the prefix. */
export type RejectionReason =
  | 'MALFORMED'
  | 'SIGNATURE'
  | 'UNKNOWN_KEY'
  | 'ISSUER'
  | 'AUDIENCE'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'SESSION_ENDED';

/** One object for one verified token, however often it is used. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly claims: AccessTokenClaims;
  /** The identity as a transport has encoded it, kept where the next use of the token finds it; undefined: not yet. */
  encodedIdentity: Uint8Array | undefined;
}

export type Verdict =
  | Accepted
  | {
      readonly kind: 'rejected';
      readonly reason: RejectionReason;
      /** A name of `EndReason`; set with SESSION_ENDED only. */
      readonly endReason?: string;
      readonly nextStep: 'REFRESH' | 'LOGIN';
    };

/** A verdict and how much it knows. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Every ending acknowledged up to this instant is known to the verdict; milliseconds since 1970. */
  readonly asOf: number;
  /** The place in the revocation log up to which endings are known; undefined: the log is empty. */
  readonly revision: string | undefined;
}

/** How current a verdict must be, and for whom. */
export interface Demand {
  /** BOUNDED: by the revocation log, if it is fresh enough. STRONG: by the session record. */
  readonly consistency: 'BOUNDED' | 'STRONG';
  /** Undefined: any audience of the service. */
  readonly audience?: string;
  /** A revision that the verdict must know of. */
  readonly atLeastRevision?: string;
}

/** The verdict on a token that is no good: what can its holder do? Only a token that merely expired can be refreshed. */
export function rejected(reason: RejectionReason, endReason?: string): Verdict {
  const nextStep = reason === 'EXPIRED' ? 'REFRESH' : 'LOGIN';
  return endReason === undefined
    ? { kind: 'rejected', reason, nextStep }
    : { kind: 'rejected', reason, endReason, nextStep };
}
