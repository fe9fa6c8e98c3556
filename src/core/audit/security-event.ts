import type { EndReason } from './end-reason.ts';

/** Who is responsible for an event, as named in the audit trail. */
export type Actor =
  /** The holder of a token of this session. */
  | {
      readonly kind: 'caller';
      readonly userId: string;
      readonly sessionId: string;
      readonly clientId: string;
    }
  /** The caller who presented credentials: a username and a password, or the answer of an identity provider. */
  | { readonly kind: 'credentials' }
  /** A person with shell access to the server. */
  | { readonly kind: 'operator' }
  /** latchkey itself, for example when a deadline has passed. */
  | { readonly kind: 'service' };

/** The address and the client of the caller. Empty: unknown. */
export interface EventOrigin {
  readonly ipAddress: string;
  readonly clientId: string;
}

interface Facts<Kind extends string> {
  readonly kind: Kind;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: Actor;
}

/** What the trail keeps of a session that was opened. Times are milliseconds since 1970. */
export interface OpenedFacts {
  /** Empty: unknown; as is `platform`. */
  readonly deviceName: string;
  readonly platform: string;
  /** Stands for the device; empty: it has no id. */
  readonly deviceMark: string;
  /** Values of RFC 8176, separated by spaces. */
  readonly methods: string;
  /** The identity provider that vouched for the user. Empty: none. */
  readonly provider: string;
  /** At sign-in. A refresh moves it. */
  readonly idleDeadline: number;
  readonly absoluteDeadline: number;
}

interface SessionFacts<Kind extends string> extends Facts<Kind> {
  readonly userId: string;
  readonly sessionId: string;
}

export type UserChangeKind =
  | 'CREATED'
  | 'UPDATED'
  /** An operator set it. */
  | 'PASSWORD_SET'
  /** The user changed it, and the actor's session goes on. */
  | 'PASSWORD_CHANGED'
  | 'DISABLED'
  | 'ENABLED'
  | 'DELETED'
  | 'LOGIN_LIMITS_LIFTED';

/** What the approver of a QR ticket decided about. */
interface TicketFacts {
  readonly ticketId: string;
  readonly origin: EventOrigin;
  /** Name of the asker's device, as it says. */
  readonly device: string;
}

/**
 * A fact about a user or a session, published once it is true. The health of the service is not a security event; see
 * the metrics.
 */
export type SecurityEvent =
  | (SessionFacts<'SignedIn'> & { readonly origin: EventOrigin; readonly opened: OpenedFacts })
  /** `reason` is a `FailureReason`. `userId` is undefined if no user has the username. The username is never stored. */
  | (Facts<'SignInFailed'> & {
      readonly reason: string;
      readonly userId: string | undefined;
      readonly origin: EventOrigin;
    })
  /** The password was right, but no session was opened. Not a failed attempt. */
  | (Facts<'SignInRefused'> & {
      readonly userId: string;
      /** SIGN_IN_RISK; empty: the user is at the session limit. */
      readonly reason: 'SIGN_IN_RISK' | '';
      readonly origin: EventOrigin;
    })
  /** The session was opened on a device that was never seen before. */
  | (SessionFacts<'NewDevice'> & { readonly origin: EventOrigin })
  /** A user's change of their own password was refused or not completed. `reason` is a `FailureReason`. */
  | (SessionFacts<'PasswordChangeFailed'> & { readonly reason: string; readonly origin: EventOrigin })
  /** The user cannot sign in: the stored password is damaged, or its master key is missing. */
  | (Facts<'PasswordUnreadable'> & { readonly userId: string })
  /** The sign-in succeeded. The password keeps its old stored form until the next sign-in. */
  | (Facts<'PasswordRehashFailed'> & { readonly userId: string; readonly cause: unknown })
  /** The approver let a QR ticket sign the asker in. `userId` and `sessionId` are the approver's. */
  | (SessionFacts<'TicketApproved'> & TicketFacts)
  /** The approver denied a QR ticket. `reason` is a `TicketDenial`. */
  | (SessionFacts<'TicketDenied'> & TicketFacts & { readonly reason: string })
  /** An account at an identity provider signs the user in from now on, or no longer. */
  | (Facts<'IdentityLinked' | 'IdentityUnlinked'> & {
      readonly userId: string;
      readonly provider: string;
      readonly subject: string;
      readonly origin: EventOrigin;
    })
  | (SessionFacts<'Refreshed'> & { readonly origin: EventOrigin })
  /** A refresh came from another public address than the one before. `from` is the address before. */
  | (SessionFacts<'SessionMoved'> & { readonly origin: EventOrigin; readonly from: string })
  /** A risk rule applied. */
  | (Facts<'RiskAssessed'> & {
      readonly userId: string;
      /** Undefined: the sign-in was refused. */
      readonly sessionId: string | undefined;
      readonly origin: EventOrigin;
      /** What was unusual, separated by spaces. */
      readonly signals: string;
      readonly action: string;
      /** `shadow`: nothing was done. */
      readonly mode: string;
    })
  /** The previous refresh token was presented again within the grace period and got the same successor. */
  | (SessionFacts<'RefreshReplayed'> & { readonly origin: EventOrigin })
  /** A refresh token was presented and refused, and the session goes on. `reason` is a `FailureReason`. */
  | (SessionFacts<'RefreshRefused'> & { readonly reason: string; readonly origin: EventOrigin })
  /** `sessionId` is undefined if all sessions of the user ended. */
  | (Facts<'SessionEnded'> & {
      readonly userId: string;
      readonly sessionId: string | undefined;
      readonly reason: EndReason;
      /** If all sessions ended: the cut-off. Sessions created up to this time ended; milliseconds since 1970. */
      readonly createdUntil?: number;
    })
  | (Facts<'UserChanged'> & { readonly userId: string; readonly change: UserChangeKind })
  /** An operator asked for a new signing key. */
  | (Facts<'SigningKeyRotated'> & { readonly keyId: string });

/** The events that are stored before the call that caused them is acknowledged. */
export type AcknowledgedEvent = Extract<
  SecurityEvent,
  {
    readonly kind:
      | 'SignedIn'
      | 'RiskAssessed'
      | 'TicketApproved'
      | 'TicketDenied'
      | 'SessionEnded'
      | 'UserChanged'
      | 'SigningKeyRotated';
  }
>;

/** Publishes and stores security events. */
export interface SecurityEvents {
  /**
   * Passes the event to its subscribers: the log, the metrics, and the counts of repeated events. It runs inside a
   * call, so it does not throw and returns quickly.
   */
  publish(event: SecurityEvent): void;
  /**
   * Stores the event for the audit trail. Resolves when it is durable: an end as durably as the end itself. Acknowledge
   * the call only after that. Fails with STORE_UNAVAILABLE and END_UNCONFIRMED.
   */
  store(event: AcknowledgedEvent): Promise<void>;
}

/** Stores the event, then publishes it. Fails like `store`, and publishes nothing then. */
export async function storeAndPublish(events: SecurityEvents, event: AcknowledgedEvent): Promise<void> {
  await events.store(event);
  events.publish(event);
}
