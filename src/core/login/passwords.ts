import { createHmac } from 'node:crypto';
import { invalidField } from '../failure.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordQueue, QueueCaller } from './password-queue.ts';
import {
  adoptPlainBcrypt,
  formatPeppered,
  normalizedPassword,
  parseStoredPassword,
  pepperedInput,
  plainInput,
  type StoredPassword,
} from './password-scheme.ts';

/** One master key, as far as passwords need it. */
export interface PepperKey {
  readonly id: string;
  readonly pepper: Buffer;
}

/** The part of `MasterKeys` that passwords need. */
export interface PepperKeys {
  readonly newest: PepperKey;
  byId(id: string): PepperKey | undefined;
}

export interface PasswordsOptions {
  readonly hasher: PasswordHasher;
  readonly queue: Pick<PasswordQueue, 'run'>;
  readonly masterKeys: PepperKeys;
  /** bcrypt's, as a power of two; 4 to 31. */
  readonly cost: number;
}

export interface PasswordCheck {
  readonly ok: boolean;
  /** Right, but stored in another way than `hash` would store it now: scheme, master key or cost. */
  readonly upgrade: boolean;
  /** False: what is stored cannot be compared with, because it is damaged or its master key is gone. */
  readonly readable: boolean;
}

interface Comparison {
  readonly input: string;
  readonly hash: string;
}

/** Well formed, and the hash of nothing that anyone can find. */
const NOBODYS_HASH_TAIL = 'latchkeyLatchkeyLatchuLatchkeyLatchkeyLatchkeyLatchku';

/**
 * Makes and checks stored passwords.
 *
 * Hashing and checking need a turn in the password queue: `hash` waits for it, the caller of `check` must have it.
 *
 * Every check is one job of the hasher with the work of one bcrypt at the configured cost: for a right password and a
 * wrong one, for no user at all, for an empty or over-long password, for an imported hash of a lower cost.
 * Hashes of a higher cost (the configured one was lowered) are dearer until their users have signed in once.
 */
export class Passwords {
  readonly #hasher: PasswordHasher;
  readonly #queue: PasswordsOptions['queue'];
  readonly #masterKeys: PepperKeys;
  readonly #cost: number;
  readonly #nobodysHash: string;

  constructor({ hasher, queue, masterKeys, cost }: PasswordsOptions) {
    this.#hasher = hasher;
    this.#queue = queue;
    this.#masterKeys = masterKeys;
    this.#cost = cost;
    this.#nobodysHash = `$2b$${String(cost).padStart(2, '0')}$${NOBODYS_HASH_TAIL}`;
  }

  /**
   * The stored form of a password. Waits for the caller's turn in the queue. Fails with INVALID_FIELD for a password that
   * no check would ever accept, and as `PasswordQueue.run` does.
   */
  async hash(password: string, caller?: QueueCaller): Promise<string> {
    const normalized = normalizedPassword(password);
    if (normalized === undefined) {
      throw invalidField(
        'password',
        'must be well-formed Unicode and neither empty nor longer than 1,024 bytes',
      );
    }
    const { id, pepper } = this.#masterKeys.newest;
    const input = pepperedInput(pepper, normalized);
    return formatPeppered(id, await this.#queue.run(caller, () => this.#hasher.hash(input, this.#cost)));
  }

  /**
   * Whether it is the password of what is stored. `stored` undefined (there is no such user) is never ok and
   * takes as long. The caller must have the turn in the queue.
   */
  async check(password: string, stored: string | undefined): Promise<PasswordCheck> {
    const parsed = stored === undefined ? undefined : parseStoredPassword(stored);
    const normalized = normalizedPassword(password);
    const comparison = parsed && this.#comparison(normalized, parsed);
    const { input, hash } = comparison ?? this.#decoy(normalized);
    const matches = await this.#hasher.verify(input, hash, this.#cost);
    const ok = matches && comparison !== undefined;
    const readable = stored === undefined || (parsed !== undefined && this.#isReadable(parsed));
    return { ok, upgrade: ok && parsed !== undefined && this.#isOutdated(parsed), readable };
  }

  /**
   * The user id that an unknown user is taken to have. The same at every server, and nobody else can compute it: where
   * only the store of some users is away, unknown names fail as existing ones do.
   */
  decoyUserId(usernameKey: string): string {
    const { pepper } = this.#masterKeys.newest;
    const hex = createHmac('sha256', pepper).update(`user ${usernameKey}`).digest('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
      '-',
    );
  }

  /**
   * The stored form of a bcrypt hash that another system made. Throws INVALID_FIELD for anything else, and
   * for a cost above the configured one, since how long its check takes would tell that the user exists.
   */
  importHash(hash: string, field = 'password_hash'): string {
    const adopted = adoptPlainBcrypt(hash);
    if (adopted === undefined) {
      throw invalidField(
        field,
        'must be a bcrypt hash of another system: $2a$, $2b$ or $2y$, a cost of two digits, 53 characters. ' +
          'What latchkey itself has stored ($lk1$) is not accepted',
      );
    }
    if (adopted.cost > this.#cost) {
      throw invalidField(
        field,
        `has cost ${adopted.cost}; the service runs at ${this.#cost}: raise LATCHKEY_BCRYPT_COST first`,
      );
    }
    return adopted.bcryptHash;
  }

  /** What to compare; undefined if this password cannot be the one that is stored. */
  #comparison(normalized: string | undefined, stored: StoredPassword): Comparison | undefined {
    if (normalized === undefined) return undefined;
    const input = stored.scheme === 'plain' ? plainInput(normalized) : this.#peppered(stored, normalized);
    return input === undefined ? undefined : { input, hash: stored.bcryptHash };
  }

  #peppered({ masterKeyId }: StoredPassword, normalized: string): string | undefined {
    const key = masterKeyId === undefined ? undefined : this.#masterKeys.byId(masterKeyId);
    return key && pepperedInput(key.pepper, normalized);
  }

  /** Costs what a real comparison costs; an over-long password is left out of it. */
  #decoy(normalized: string | undefined): Comparison {
    const { pepper } = this.#masterKeys.newest;
    return { input: pepperedInput(pepper, normalized ?? ''), hash: this.#nobodysHash };
  }

  #isReadable({ scheme, masterKeyId }: StoredPassword): boolean {
    return (
      scheme === 'plain' || (masterKeyId !== undefined && this.#masterKeys.byId(masterKeyId) !== undefined)
    );
  }

  #isOutdated({ scheme, masterKeyId, cost }: StoredPassword): boolean {
    return scheme === 'plain' || masterKeyId !== this.#masterKeys.newest.id || cost !== this.#cost;
  }
}
