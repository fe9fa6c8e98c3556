import type { Clock, LatchkeyClient, Origin, Refreshed } from '../../client/index.ts';

/** How long the outcome of a refresh answers requests with the old token; milliseconds. Below the service's default grace. */
const REMEMBERED_MS = 10_000;
/** How long the newest tokens of a session are kept: longer than any request takes; milliseconds. */
const NEWEST_MS = 60_000;

interface Remembered {
  readonly outcome: Promise<Refreshed>;
  /** By the monotonic clock. Infinity: in progress. */
  until: number;
}

interface Newest {
  readonly refreshed: Refreshed;
  readonly until: number;
}

export interface RefreshesOptions {
  readonly client: Pick<LatchkeyClient, 'refresh'>;
  readonly clock: Clock;
  readonly clientId: string;
}

/**
 * Refreshes sessions: one refresh for each refresh token at a time, however many requests need it. Other replicas get
 * the same successor from the service (law 1 of docs/design.md). A refresh that began is finished, whoever waits for it.
 *
 * The key is the whole refresh token, not the session id, so the new tokens go only to requests that have the old one.
 */
export class Refreshes {
  readonly #options: RefreshesOptions;
  readonly #byToken = new Map<string, Remembered>();
  readonly #newest = new Map<string, Newest>();

  constructor(options: RefreshesOptions) {
    this.#options = options;
  }

  /** Refreshes a session, or returns the outcome of another request. Fails as `refresh` of the client does. */
  refresh(refreshToken: string, origin: Origin | undefined): Promise<Refreshed> {
    this.#dropOld();
    const known = this.#byToken.get(refreshToken);
    if (known !== undefined) return known.outcome;
    const { client, clientId } = this.#options;
    const outcome = client.refresh({ refreshToken, clientId, origin });
    const remembered: Remembered = { outcome, until: Number.POSITIVE_INFINITY };
    this.#byToken.set(refreshToken, remembered);
    outcome.then(
      (refreshed) => {
        remembered.until = this.#options.clock.monotonic() + REMEMBERED_MS;
        this.#learn(refreshed);
      },
      // Not remembered: a repeat may succeed, and after an end it is refused again.
      () => this.#byToken.delete(refreshToken),
    );
    return outcome;
  }

  /** The newest tokens of a session that this process knows: those given, unless a later refresh is known. */
  newest(refreshed: Refreshed): Refreshed {
    const known = this.#newest.get(refreshed.session.sessionId)?.refreshed;
    return known !== undefined && isLater(known, refreshed) ? known : refreshed;
  }

  #learn(refreshed: Refreshed): void {
    const { sessionId } = refreshed.session;
    const newest = this.newest(refreshed);
    // Deleted first, so that the entries stay in the order of their time.
    this.#newest.delete(sessionId);
    this.#newest.set(sessionId, { refreshed: newest, until: this.#options.clock.monotonic() + NEWEST_MS });
  }

  /** Drops entries that are too old. They are in the order of their time, except those in progress. */
  #dropOld(): void {
    const now = this.#options.clock.monotonic();
    for (const [token, { until }] of this.#byToken) {
      if (until === Number.POSITIVE_INFINITY) continue;
      if (until > now) break;
      this.#byToken.delete(token);
    }
    for (const [sessionId, { until }] of this.#newest) {
      if (until > now) break;
      this.#newest.delete(sessionId);
    }
  }
}

/** A repeat within the grace has the time of the refresh that it repeats. */
function isLater(a: Refreshed, b: Refreshed): boolean {
  return a.session.lastSeenAt.getTime() > b.session.lastSeenAt.getTime();
}
