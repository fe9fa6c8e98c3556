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
  /** The caller who presented a username and a password. */
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

interface SessionFacts<Kind extends string> extends Facts<Kind> {
  readonly userId: string;
  readonly sessionId: string;
}

export type UserChangeKind =
  | 'CREATED'
  | 'UPDATED'
  | 'PASSWORD_SET'
  | 'DISABLED'
  | 'ENABLED'
  | 'DELETED'
  | 'LOGIN_LIMITS_LIFTED';

/**
 * A fact about a user or a session, published once it is true. The health of the service is not a security event; see
 * the metrics.
 */
export type SecurityEvent =
  | (SessionFacts<'SignedIn'> & { readonly origin: EventOrigin })
  /** `reason` is a `FailureReason`. `userId` is undefined if no user has the username. The username is never stored. */
  | (Facts<'SignInFailed'> & {
      readonly reason: string;
      readonly userId: string | undefined;
      readonly origin: EventOrigin;
    })
  /** The user cannot sign in: the stored password is damaged, or its master key is missing. */
  | (Facts<'PasswordUnreadable'> & { readonly userId: string })
  /** The sign-in succeeded. The password keeps its old stored form until the next sign-in. */
  | (Facts<'PasswordRehashFailed'> & { readonly userId: string; readonly cause: unknown })
  | (SessionFacts<'Refreshed'> & { readonly origin: EventOrigin })
  /** The previous refresh token was presented again within the grace period and got the same successor. */
  | (SessionFacts<'RefreshReplayed'> & { readonly origin: EventOrigin })
  /** `sessionId` is undefined if all sessions of the user ended. */
  | (Facts<'SessionEnded'> & {
      readonly userId: string;
      readonly sessionId: string | undefined;
      readonly reason: EndReason;
    })
  | (Facts<'UserChanged'> & { readonly userId: string; readonly change: UserChangeKind });

/** Receives security events. `publish` runs inside a call, so it must not throw and must return quickly. */
export interface SecurityEvents {
  publish(event: SecurityEvent): void;
}

/** Publishes every event to each subscriber in order. */
export function publishTo(...subscribers: readonly SecurityEvents['publish'][]): SecurityEvents {
  return {
    publish: (event) => {
      for (const subscriber of subscribers) subscriber(event);
    },
  };
}
