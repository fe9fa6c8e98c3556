import type { AuditEvent } from '../audit/audit-event.ts';
import { Failure } from '../failure.ts';
import type { User } from './user.ts';

/** Upper bounds, in bytes of UTF-8. */
export const MAX_SUBJECT_BYTES = 255;
export const MAX_DISPLAY_NAME_BYTES = 64;

/** An account at an identity provider. Subjects are unique at their provider only. */
export interface IdentityKey {
  /** The name of the provider in the configuration. */
  readonly provider: string;
  /** The provider's id of the account; 1 to 255 bytes. Compared byte by byte. */
  readonly subject: string;
}

/** An account that signs a user in. */
export interface Identity extends IdentityKey {
  readonly userId: string;
  /** How the provider names the account, for people only; at most 64 bytes. Empty: unknown. */
  readonly displayName: string;
  /** Milliseconds since 1970. */
  readonly linkedAt: number;
  /** The last sign-in; milliseconds since 1970. Undefined: none yet. */
  readonly lastUsedAt: number | undefined;
}

export interface LinkOutcome {
  readonly identity: Identity;
  /** False: it was linked to this user before. */
  readonly isNew: boolean;
}

export interface UnlinkConditions {
  /** Fails with LAST_SIGN_IN_METHOD if the user has no password and no other identity. */
  readonly keepOne: boolean;
  /** Stored in the same transaction. */
  readonly audit: AuditEvent;
}

/** Identities that `listOf` returns at most. */
export const MAX_LISTED_IDENTITIES = 100;

/**
 * Stores which accounts at identity providers sign which users in.
 *
 * Law:
 * - An account signs in one user at most. Of two concurrent links, one fails.
 * - Every method is one transaction and durable when it resolves. An audit event that is passed to a change is in the
 *   audit trail if and only if the change was made.
 * - The identities of a user go with the user.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: users` within a second.
 */
export interface IdentityDirectory {
  find(key: IdentityKey): Promise<Identity | undefined>;
  /** In the order in which they were linked; at most `MAX_LISTED_IDENTITIES`. */
  listOf(userId: string): Promise<readonly Identity[]>;
  /** Fails with USER_NOT_FOUND, and with IDENTITY_TAKEN if the account signs in another user. */
  link(identity: Identity, audit: AuditEvent): Promise<LinkOutcome>;
  /** Inserts a user with a first identity. Fails with USERNAME_TAKEN. */
  insertUser(user: User, identity: Identity, audit: readonly AuditEvent[]): Promise<void>;
  /**
   * Stores the time of a sign-in. Does nothing if the identity is not linked any more.
   *
   * @param displayName empty: as before.
   */
  recordSignIn(key: IdentityKey, at: number, displayName: string): Promise<void>;
  /** Returns whether it was linked to this user. */
  unlink(userId: string, key: IdentityKey, conditions: UnlinkConditions): Promise<boolean>;
}

export function identityTaken(): Failure {
  return new Failure(
    'IDENTITY_TAKEN',
    'This account already signs in another user; unlink it there first, or use another account.',
  );
}

export function lastSignInMethod(): Failure {
  return new Failure(
    'LAST_SIGN_IN_METHOD',
    'The user has no password and no other account to sign in with; link another one first.',
  );
}
