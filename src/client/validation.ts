import type { EndReason as EndReasonNumbers } from '../gen/latchkey/v1/session.ts';
import type { RejectionReason } from '../validator/verdict.ts';

/** Why a session ended; `UNSPECIFIED`: not known. Names of the contract's `EndReason`. */
export type EndReasonName = keyof typeof EndReasonNumbers;

/** Who presented the token: roles as of its issue. Frozen: uses of one token share it. */
export interface Identity {
  readonly userId: string;
  readonly sessionId: string;
  /** The application the session was opened by. Empty: none was given at login. */
  readonly clientId: string;
  readonly roles: readonly string[];
  /** How the user proved who they are (RFC 8176), for example `pwd`. */
  readonly authenticationMethods: readonly string[];
  /** When the user signed in. */
  readonly authenticatedAt: Date;
  /** When the token was issued. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** The token is good. */
export interface AcceptedToken {
  readonly kind: 'accepted';
  readonly identity: Identity;
}

/** The token is not good. */
export interface RejectedToken {
  readonly kind: 'rejected';
  /** UNSPECIFIED: for a reason that this client is too old to know. */
  readonly reason: RejectionReason | 'UNSPECIFIED';
  /** Set with SESSION_ENDED only. */
  readonly endReason: EndReasonName | undefined;
  /** What its holder can do: refresh, or sign in again. */
  readonly nextStep: 'REFRESH' | 'LOGIN';
}

/** What is said about a token, and how much that knows; the same in both modes. */
export type Validation = (AcceptedToken | RejectedToken) & {
  /** Every ending acknowledged up to this instant, by the service's clock, is known to the verdict. */
  readonly asOf: Date;
  /** Place in the revocation log up to which endings are known, opaque. Empty: the log is empty. */
  readonly revision: string;
};

/** How current a verdict must be, and for whom. */
export interface ValidateDemand {
  /** `strong`: the session record itself is read, always by the service. Default: `bounded`. */
  readonly consistency?: 'bounded' | 'strong';
  /** Whom the token must be meant for. Default: the connection's `audience`. */
  readonly audience?: string;
  /** The verdict must know every ending up to this revision, as answered by Logout. */
  readonly atLeastRevision?: string;
  /** Gives the wait up; the validation fails with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** Judges access tokens: here, or by asking the service. Fails with a `LatchkeyError` where nobody can say. */
export interface TokenValidator {
  validate(token: string, demand?: ValidateDemand): Promise<Validation>;
}
