import type { SharedTokenStore, StoredToken } from '../../core/sign-in/shared-token.ts';
import type { Clock } from '../../validator/clock.ts';

interface Lease {
  readonly holder: string;
  /** By the monotonic clock; milliseconds. */
  readonly until: number;
}

/** Keeps shared tokens in memory. Each method runs without interruption, so it is an atomic step. */
export class MemorySharedTokenStore implements SharedTokenStore {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #tokens = new Map<string, StoredToken>();
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  async read(name: string): Promise<StoredToken | undefined> {
    return this.#tokens.get(name);
  }

  async lease(name: string, holder: string, leaseMs: number): Promise<boolean> {
    if (this.#leaseOf(name) !== undefined) return false;
    this.#leases.set(name, { holder, until: this.#clock.monotonic() + leaseMs });
    return true;
  }

  async replace(name: string, holder: string, token: StoredToken | undefined): Promise<void> {
    if (this.#leaseOf(name)?.holder !== holder) return;
    this.#leases.delete(name);
    if (token !== undefined) this.#tokens.set(name, token);
  }

  #leaseOf(name: string): Lease | undefined {
    const lease = this.#leases.get(name);
    return lease !== undefined && this.#clock.monotonic() < lease.until ? lease : undefined;
  }
}
