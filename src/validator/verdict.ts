import type { AccessTokenClaims } from './access-token.ts';

/**
 * Why a token is not valid: a name of the contract's `RejectionReason` without the prefix.
 *
 * @example
 * const canRefresh = (reason: RejectionReason) => reason === 'EXPIRED';
 */
export type RejectionReason =
  | 'MALFORMED'
  | 'SIGNATURE'
  | 'UNKNOWN_KEY'
  | 'ISSUER'
  | 'AUDIENCE'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'SESSION_ENDED';

/** One shared object per verified token. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly claims: AccessTokenClaims;
  /** The identity in the encoding of a transport, cached for the next use of the token; undefined: not encoded yet. */
  encodedIdentity: Uint8Array | undefined;
}

export type Verdict =
  | Accepted
  | {
      readonly kind: 'rejected';
      readonly reason: RejectionReason;
      /** A name of `EndReason`. Set only with SESSION_ENDED. */
      readonly endReason?: string;
      readonly nextStep: 'REFRESH' | 'LOGIN';
    };

/** A verdict and its freshness. */
export interface ValidationResult {
  readonly verdict: Verdict;
  /** The verdict includes all revocations acknowledged up to this time; milliseconds since 1970. */
  readonly asOf: number;
  /** The revision up to which revocations are included; undefined: the log is empty. */
  readonly revision: string | undefined;
}

/** Required freshness and audience of a verdict. */
export interface Requirements {
  /** BOUNDED: by the local copy, if it is fresh enough. STRONG: by the session record. */
  readonly consistency: 'BOUNDED' | 'STRONG';
  /** Undefined: any audience of the service. */
  readonly audience?: string;
  /** The verdict must include this revision. */
  readonly atLeastRevision?: string;
}

/** A rejection, with the next step for the client. Only an expired token can be refreshed. */
export function rejected(reason: RejectionReason, endReason?: string): Verdict {
  const nextStep = reason === 'EXPIRED' ? 'REFRESH' : 'LOGIN';
  return endReason === undefined
    ? { kind: 'rejected', reason, nextStep }
    : { kind: 'rejected', reason, endReason, nextStep };
}
