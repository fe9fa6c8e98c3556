import type { Clock, LatchkeyClient } from '../../client/index.ts';
import type { ProviderView } from '../views.ts';

/** The service reads its list at its start only, so this one may be old. In milliseconds. */
const KEPT_MS = 60_000;
const RETRY_MS = 2_000;

/** The identity providers of the service, in its order. Pages do not wait for a call to know whether there are any. */
export class ProviderList {
  readonly #client: Pick<LatchkeyClient, 'externalLogin'>;
  readonly #clock: Clock;
  #known: readonly ProviderView[] = [];
  #until = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(client: Pick<LatchkeyClient, 'externalLogin'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    void this.#refresh();
  }

  /** As last known. Reads the list again if it is old, and does not wait for that. */
  get known(): readonly ProviderView[] {
    void this.#refresh();
    return this.#known;
  }

  /** Waits for a read that is due. If it fails: as last known. */
  async current(): Promise<readonly ProviderView[]> {
    await this.#refresh();
    return this.#known;
  }

  /** The name for people. A provider that was taken out of the list has its name only. */
  nameOf(id: string): ProviderView {
    return this.#known.find((provider) => provider.id === id) ?? { id, name: id };
  }

  #refresh(): Promise<void> | undefined {
    if (this.#reading === undefined && this.#clock.monotonic() >= this.#until) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    return this.#reading;
  }

  async #read(): Promise<void> {
    let keptMs = RETRY_MS;
    try {
      const { providers } = await this.#client.externalLogin.listProviders({});
      this.#known = providers.map(({ name, displayName }) => ({ id: name, name: displayName }));
      keptMs = KEPT_MS;
    } catch {
      // The pages do without. What people do there then says that the service is away.
    }
    this.#until = this.#clock.monotonic() + keptMs;
  }
}
