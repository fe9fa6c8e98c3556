import { createHmac } from 'node:crypto';
import { invalidField } from '../failure.ts';
import { uuidOf } from '../ids.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordQueue, QueueCaller } from './password-queue.ts';
import {
  adoptPlainBcrypt,
  formatPeppered,
  NO_PASSWORD,
  normalizedPassword,
  parseStoredPassword,
  pepperedInput,
  plainInput,
  type StoredPassword,
} from './password-scheme.ts';

/** The parts of a master key that passwords need. */
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
  /** The bcrypt cost, as a power of two; 4 to 31. */
  readonly cost: number;
}

export interface PasswordCheck {
  readonly ok: boolean;
  /** The password is right, but `hash` would now store it differently: another scheme, master key or cost. */
  readonly upgrade: boolean;
  /** False: the stored password is damaged, or its master key is missing. */
  readonly readable: boolean;
}

interface Comparison {
  readonly input: string;
  readonly hash: string;
}

const HASH_FIELD = 'password_hash';
/** A well-formed hash without a known password. */
const DUMMY_HASH_TAIL = 'latchkeyLatchkeyLatchuLatchkeyLatchkeyLatchkeyLatchku';

/**
 * Hashes and checks passwords.
 *
 * Both need a turn in the password queue. `hash` waits for it; the caller of `check` must have it.
 *
 * Every check is one hasher job with the work of one bcrypt at the configured cost. This holds for right and wrong
 * passwords, unknown users, empty or over-long passwords, and imported hashes of a lower cost.
 * Hashes of a higher cost (after the configured cost was lowered) take longer until the user has signed in once.
 */
export class Passwords {
  readonly #hasher: PasswordHasher;
  readonly #queue: PasswordsOptions['queue'];
  readonly #masterKeys: PepperKeys;
  readonly #cost: number;
  readonly #dummyHash: string;

  constructor({ hasher, queue, masterKeys, cost }: PasswordsOptions) {
    this.#hasher = hasher;
    this.#queue = queue;
    this.#masterKeys = masterKeys;
    this.#cost = cost;
    this.#dummyHash = `$2b$${String(cost).padStart(2, '0')}$${DUMMY_HASH_TAIL}`;
  }

  /**
   * Returns the stored form of a password. Waits for the caller's turn in the queue. Fails with INVALID_FIELD for a
   * password that no check accepts, and like `PasswordQueue.run`.
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
   * Whether the password matches the stored form. If `stored` is undefined (unknown user), it never matches and takes
   * as long. The caller must have a turn in the queue.
   */
  async check(password: string, stored: string | undefined): Promise<PasswordCheck> {
    const parsed = stored === undefined ? undefined : parseStoredPassword(stored);
    const normalized = normalizedPassword(password);
    const comparison = parsed && this.#comparison(normalized, parsed);
    const { input, hash } = comparison ?? this.#dummyComparison(normalized);
    const matches = await this.#hasher.verify(input, hash, this.#cost);
    const ok = matches && comparison !== undefined;
    const hasPassword = stored !== undefined && stored !== NO_PASSWORD;
    const readable = !hasPassword || (parsed !== undefined && this.#isReadable(parsed));
    return { ok, upgrade: ok && parsed !== undefined && this.#isOutdated(parsed), readable };
  }

  /**
   * The user id that stands for an unknown user. It is the same on every server, and only this service can compute it.
   * If only the store of some users is unavailable, unknown names fail like existing ones.
   */
  dummyUserId(usernameKey: string): string {
    const { pepper } = this.#masterKeys.newest;
    return uuidOf(createHmac('sha256', pepper).update(`user ${usernameKey}`).digest('hex'));
  }

  /**
   * The stored form of a bcrypt hash from another system. Throws INVALID_FIELD for anything else. Also throws for a
   * cost above the configured one, because the longer check would reveal that the user exists.
   */
  importHash(hash: string): string {
    const adopted = adoptPlainBcrypt(hash);
    if (adopted === undefined) {
      throw invalidField(
        HASH_FIELD,
        'must be a bcrypt hash of another system: $2a$, $2b$ or $2y$, a cost of two digits, 53 characters. ' +
          'What latchkey itself has stored ($lk1$) is not accepted',
      );
    }
    if (adopted.cost > this.#cost) {
      throw invalidField(
        HASH_FIELD,
        `has cost ${adopted.cost}, above the configured ${this.#cost}; raise LATCHKEY_BCRYPT_COST first`,
      );
    }
    return adopted.bcryptHash;
  }

  /** What to compare; undefined: this password cannot be the stored one. */
  #comparison(normalized: string | undefined, stored: StoredPassword): Comparison | undefined {
    if (normalized === undefined) return undefined;
    const input = stored.scheme === 'plain' ? plainInput(normalized) : this.#peppered(stored, normalized);
    return input === undefined ? undefined : { input, hash: stored.bcryptHash };
  }

  #peppered({ masterKeyId }: StoredPassword, normalized: string): string | undefined {
    const key = masterKeyId === undefined ? undefined : this.#masterKeys.byId(masterKeyId);
    return key && pepperedInput(key.pepper, normalized);
  }

  /** Costs the same as a real comparison. Hashes the empty string for an over-long password. */
  #dummyComparison(normalized: string | undefined): Comparison {
    const { pepper } = this.#masterKeys.newest;
    return { input: pepperedInput(pepper, normalized ?? ''), hash: this.#dummyHash };
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
