import type { EndReason } from './end-reason.ts';

/** Who is responsible for what happened, as the audit trail names them. */
export type Actor =
  /** Whoever holds a token of this session. */
  | {
      readonly kind: 'caller';
      readonly userId: string;
      readonly sessionId: string;
      readonly clientId: string;
    }
  /** Whoever presented a username and a password. */
  | { readonly kind: 'credentials' }
  /** Somebody with a shell on the machine of the service. */
  | { readonly kind: 'operator' }
  /** latchkey itself, for example when a deadline has passed. */
  | { readonly kind: 'service' };

/** Where the person is, and with which application. Empty: not known. */
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

interface SessionFacts<Kind extends string> extends Facts<Kind> {
  readonly userId: string;
  readonly sessionId: string;
}

export type UserChangeKind = 'CREATED' | 'UPDATED' | 'PASSWORD_SET' | 'DISABLED' | 'ENABLED' | 'DELETED';

/**
 * A fact about a person or a session, published once it is true. The health of the service itself is no security
 * event: it is in the metrics.
 */
export type SecurityEvent =
  | (SessionFacts<'SignedIn'> & { readonly origin: EventOrigin })
  /** `reason` is a failure's. `userId` is undefined where nobody has the username, which is never kept. */
  | (Facts<'SignInFailed'> & {
      readonly reason: string;
      readonly userId: string | undefined;
      readonly origin: EventOrigin;
    })
  /** The user cannot sign in: the stored password is damaged, or its master key is missing. */
  | (Facts<'PasswordUnreadable'> & { readonly userId: string })
  /** The sign-in succeeded. The password stays stored in the old way until the next one. */
  | (Facts<'PasswordRehashFailed'> & { readonly userId: string; readonly cause: unknown })
  | (SessionFacts<'Refreshed'> & { readonly origin: EventOrigin })
  /** The previous refresh token was presented again within the grace, and got the same successor. */
  | (SessionFacts<'RefreshReplayed'> & { readonly origin: EventOrigin })
  /** `sessionId` is undefined where all sessions of the user ended. */
  | (Facts<'SessionEnded'> & {
      readonly userId: string;
      readonly sessionId: string | undefined;
      readonly reason: EndReason;
    })
  | (Facts<'UserChanged'> & { readonly userId: string; readonly change: UserChangeKind });

/** Takes security events. Must not throw, and must not take long: it is called in the middle of a call. */
export interface SecurityEvents {
  publish(event: SecurityEvent): void;
}

/** Hands every event to each subscriber in turn. */
export function publishTo(...subscribers: readonly SecurityEvents['publish'][]): SecurityEvents {
  return {
    publish: (event) => {
      for (const subscriber of subscribers) subscriber(event);
    },
  };
}
