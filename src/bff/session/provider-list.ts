import type { Clock, LatchkeyClient } from '../../client/index.ts';
import type { ProviderView } from '../views.ts';

/** How long the list is used before it is read again; milliseconds. The service reads its own only when it starts. */
const KEPT_MS = 60_000;
/** After a failed read; milliseconds. */
const RETRY_MS = 2_000;

/** The identity providers of the service, in its order. Kept here, so that few pages need a call for them. */
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

  /** Returns the list as last known. If it is old, starts to read it again and does not wait for that. */
  latest(): readonly ProviderView[] {
    void this.#refresh();
    return this.#known;
  }

  /** Waits for a read that is due. If that fails, returns the list as last known. */
  async current(): Promise<readonly ProviderView[]> {
    await this.#refresh();
    return this.#known;
  }

  /** The provider with this name. One that is not in the list has no display name of its own. */
  named(name: string): ProviderView {
    return this.#known.find((provider) => provider.name === name) ?? { name, displayName: name };
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
      this.#known = providers.map(({ name, displayName }) => ({ name, displayName }));
      keptMs = KEPT_MS;
    } catch {
      // The list stays as last known, which is empty at first.
    }
    this.#until = this.#clock.monotonic() + keptMs;
  }
}
