import { createHash } from 'node:crypto';
import type { Clock } from '../../validator/clock.ts';
import { auditEventOf } from '../audit/audit-event.ts';
import type { Actor, EventOrigin, SecurityEvent, SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import { NO_PASSWORD } from '../password/password-scheme.ts';
import type { Identity, IdentityDirectory, IdentityKey } from '../user/identity-directory.ts';
import { newUser } from '../user/new-user.ts';
import type { ProviderAccount } from './identity-provider.ts';

export interface IdentitiesOptions {
  readonly directory: IdentityDirectory;
  readonly events: Pick<SecurityEvents, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
}

/** Who links or unlinks, and from where. */
export interface LinkSource {
  readonly actor: Actor;
  readonly origin: EventOrigin;
}

/** An account, with a name for people. */
export type NamedAccount = IdentityKey & Pick<ProviderAccount, 'displayName'>;
type LinkEvent = Extract<SecurityEvent, { readonly kind: 'IdentityLinked' | 'IdentityUnlinked' }>;

const SERVICE: Actor = { kind: 'service' };
/** Hexadecimal digits of the subject's hash in a username: 128 bits. */
const HASH_LENGTH = 32;

/** The accounts at identity providers that users sign in with. They are linked by their subject, never by e-mail. */
export class Identities {
  readonly #options: IdentitiesOptions;

  constructor(options: IdentitiesOptions) {
    this.#options = options;
  }

  /** Undefined: the account signs nobody in. Fails with STORE_UNAVAILABLE. */
  find(key: IdentityKey): Promise<Identity | undefined> {
    return this.#options.directory.find(key);
  }

  /** The identities of a user; none if there is no such user. Fails with STORE_UNAVAILABLE. */
  list(userId: string): Promise<readonly Identity[]> {
    return this.#options.directory.listOf(userId);
  }

  /** Links an account to a user. Idempotent. Fails with USER_NOT_FOUND, IDENTITY_TAKEN and STORE_UNAVAILABLE. */
  async link(userId: string, account: NamedAccount, source: LinkSource): Promise<Identity> {
    const { directory, events } = this.#options;
    const event = this.#event('IdentityLinked', userId, account, source);
    const wanted = this.#newIdentity(userId, account, undefined);
    const { identity, isNew } = await directory.link(wanted, this.#audited(event));
    if (isNew) events.publish(event);
    return identity;
  }

  /**
   * Unlinks an account. Fails with STORE_UNAVAILABLE, and with IDENTITY_NOT_FOUND if it is not linked to this user.
   *
   * @param keepOne true: fails with LAST_SIGN_IN_METHOD if the user could not sign in any more.
   */
  async unlink(
    userId: string,
    key: IdentityKey,
    source: LinkSource,
    { keepOne }: { readonly keepOne: boolean },
  ): Promise<void> {
    const { directory, events } = this.#options;
    const event = this.#event('IdentityUnlinked', userId, key, source);
    const audit = this.#audited(event);
    if (!(await directory.unlink(userId, key, { keepOne, audit }))) throw identityNotFound();
    events.publish(event);
  }

  /** Stores the time of a sign-in, and the name that the provider gave. */
  recordSignIn(key: IdentityKey, displayName: string): Promise<void> {
    return this.#options.directory.recordSignIn(key, this.#options.clock.now(), displayName);
  }

  /**
   * Creates the user of an account that no user has. Returns the existing identity if another call did that meanwhile.
   * Fails with USERNAME_TAKEN and STORE_UNAVAILABLE.
   */
  async createUser(account: NamedAccount, roles: readonly string[], origin: EventOrigin): Promise<Identity> {
    const { directory, events, clock, ids } = this.#options;
    const now = clock.now();
    const userId = ids.next(now);
    const user = newUser({
      userId,
      username: generatedUsername(account),
      passwordHash: NO_PASSWORD,
      roles,
      now,
    });
    const created = { kind: 'UserChanged', at: now, actor: SERVICE, userId, change: 'CREATED' } as const;
    const linked = this.#event('IdentityLinked', userId, account, { actor: SERVICE, origin });
    const identity = this.#newIdentity(userId, account, now);
    try {
      await directory.insertUser(user, identity, [this.#audited(created), this.#audited(linked)]);
    } catch (error) {
      const existing = isUsernameTaken(error) ? await directory.find(account) : undefined;
      if (existing === undefined) throw error;
      return existing;
    }
    events.publish(created);
    events.publish(linked);
    return identity;
  }

  #newIdentity(userId: string, account: NamedAccount, lastUsedAt: number | undefined): Identity {
    const { provider, subject, displayName } = account;
    return { provider, subject, displayName, userId, linkedAt: this.#options.clock.now(), lastUsedAt };
  }

  #event(
    kind: LinkEvent['kind'],
    userId: string,
    key: IdentityKey,
    { actor, origin }: LinkSource,
  ): LinkEvent {
    const { provider, subject } = key;
    return { kind, at: this.#options.clock.now(), actor, userId, provider, subject, origin };
  }

  #audited(event: Parameters<typeof auditEventOf>[0]) {
    return auditEventOf(event, this.#options.ids.next(event.at));
  }
}

/** Has a hash of the subject: subjects may be too long for a username, or differ in letter case only. */
function generatedUsername({ provider, subject }: IdentityKey): string {
  return `${provider}-${createHash('sha256').update(subject).digest('hex').slice(0, HASH_LENGTH)}`;
}

function isUsernameTaken(error: unknown): boolean {
  return error instanceof Failure && error.reason === 'USERNAME_TAKEN';
}

function identityNotFound(): Failure {
  return new Failure('IDENTITY_NOT_FOUND', 'This account is not linked to this user; list the identities.');
}
