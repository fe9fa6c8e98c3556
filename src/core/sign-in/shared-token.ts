import { randomUUID } from 'node:crypto';
import type { Clock } from '../../validator/clock.ts';
import { providerUnavailable } from './identity-provider.ts';

export interface StoredToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Stores a token that all replicas share, and the lease of the one that renews it. The token is a credential: whoever reads
 * the store can use it.
 *
 * Law:
 * - Every method is one atomic step on one name.
 * - One holder at most has the lease. It ends with `replace` or after its time.
 * - `replace` changes nothing unless the holder has the lease.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: sessions`. A step that timed out never runs later.
 */
export interface SharedTokenStore {
  read(name: string): Promise<StoredToken | undefined>;
  /** Whether the holder got the lease; false if anybody has it. @param leaseMs milliseconds. */
  lease(name: string, holder: string, leaseMs: number): Promise<boolean>;
  /** Ends the lease. @param token undefined: the token stays. @param now milliseconds since 1970. */
  replace(name: string, holder: string, token: StoredToken | undefined, now: number): Promise<void>;
}

export interface SharedTokenOptions {
  /** The name of the token in the store. */
  readonly name: string;
  readonly store: SharedTokenStore;
  /** Asks the issuer for a new token. Must end within `FETCH_LIMIT_MS`. */
  readonly fetch: () => Promise<StoredToken>;
  readonly clock: Pick<Clock, 'now'>;
}

/** A token is renewed this long before it expires; milliseconds. */
export const RENEW_EARLY_MS = 600_000;
/** A longer fetch could outlast the lease; milliseconds. */
export const FETCH_LIMIT_MS = 10_000;
const LEASE_MS = 2 * FETCH_LIMIT_MS;
/** Without a usable token, a process reads the store this often, because another one renews it; milliseconds. */
const POLL_MS = 100;
const MAX_POLLS = 50;

/**
 * A token whose issuer accepts only the newest one. So one replica renews it, early enough that the others can use the
 * old one meanwhile.
 */
export class SharedToken {
  readonly #options: SharedTokenOptions;

  constructor(options: SharedTokenOptions) {
    this.#options = options;
  }

  /**
   * Returns the current token, and renews it if it is old. Fails with PROVIDER_UNAVAILABLE and STORE_UNAVAILABLE, and like
   * `fetch`.
   *
   * @param rejected a token that the issuer did not accept. It is replaced, unless that has happened already.
   */
  async get(rejected = ''): Promise<string> {
    const { name, store } = this.#options;
    const holder = randomUUID();
    for (let poll = 0; poll < MAX_POLLS; poll += 1) {
      const usable = this.#usable(await store.read(name), rejected);
      if (usable !== undefined && !this.#isOld(usable)) return usable.token;
      if (await store.lease(name, holder, LEASE_MS)) return this.#renew(holder, rejected);
      if (usable !== undefined) return usable.token;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw providerUnavailable(
      new Error(`another process has the lease of the token ${name} and has not renewed it`),
    );
  }

  /** Reads again, because the previous holder of the lease may just have renewed it. If that fails, returns the old one. */
  async #renew(holder: string, rejected: string): Promise<string> {
    const { name, store, fetch, clock } = this.#options;
    let renewed: StoredToken | undefined;
    try {
      const usable = this.#usable(await store.read(name), rejected);
      if (usable !== undefined && !this.#isOld(usable)) return usable.token;
      try {
        renewed = await fetch();
        return renewed.token;
      } catch (error) {
        if (usable === undefined) throw error;
        return usable.token;
      }
    } finally {
      // If this fails, the lease ends by itself, and another process renews the token again.
      await store.replace(name, holder, renewed, clock.now()).catch(() => undefined);
    }
  }

  #usable(stored: StoredToken | undefined, rejected: string): StoredToken | undefined {
    const isUsable = stored !== undefined && stored.token !== rejected;
    return isUsable && this.#options.clock.now() < stored.expiresAt ? stored : undefined;
  }

  #isOld({ expiresAt }: StoredToken): boolean {
    return this.#options.clock.now() >= expiresAt - RENEW_EARLY_MS;
  }
}
