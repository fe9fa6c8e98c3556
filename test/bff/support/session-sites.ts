import { type Bff, openBff } from '../../../src/bff/bff.ts';
import type { OpenedSession } from '../../../src/core/session/session-opener.ts';
import { SessionSite } from '../../grpc/support/session-site.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { BARE_PAGES } from './bare-pages.ts';
import { configOf } from './bff-site.ts';
import { Browser } from './browser.ts';

const ORIGIN = 'http://127.0.0.1:8080';

/** Two services that share their stores, a BFF in front of each, and one clock for all of them. */
export class SessionSites {
  readonly clock: ManualClock;
  readonly here: SessionSite;
  readonly elsewhere: SessionSite;
  readonly bffs: readonly [Bff, Bff];

  private constructor(
    clock: ManualClock,
    sites: { readonly here: SessionSite; readonly elsewhere: SessionSite },
    bffs: [Bff, Bff],
  ) {
    this.clock = clock;
    this.here = sites.here;
    this.elsewhere = sites.elsewhere;
    this.bffs = bffs;
  }

  static async open(): Promise<SessionSites> {
    // gRPC compares deadlines with the clock of the machine, so this one may be ahead of it but not behind.
    const clock = new ManualClock(Date.now());
    const sites = await SessionSite.openTwo(clock);
    const { here, elsewhere } = sites;
    elsewhere.world.findUser = async (userId) => here.world.users.get(userId);
    const bffAt = ({ address }: SessionSite) =>
      openBff(configOf({ LATCHKEY_BFF_SERVICE_ADDRESS: address, LATCHKEY_BFF_PUBLIC_ORIGIN: ORIGIN }), {
        clock,
        pages: BARE_PAGES,
      });
    const opened = new SessionSites(clock, sites, [await bffAt(here), await bffAt(elsewhere)]);
    await opened.settle(1_000);
    return opened;
  }

  /** Lets time pass at the services, with their copies of the log up to date. */
  async settle(ms: number): Promise<void> {
    await this.here.world.settle(ms);
    await this.elsewhere.world.settle(0);
  }

  /** A browser that is signed in. Its requests go to the first replica. */
  async signedIn(): Promise<{ readonly browser: Browser; readonly opened: OpenedSession }> {
    const opened = await this.here.world.open(this.here.world.addUser());
    await this.settle(1);
    const browser = new Browser(ORIGIN, this.bffs[0].url);
    browser.jar.set('lk_access', opened.tokens.accessToken);
    browser.jar.set('lk_refresh', opened.tokens.refreshToken);
    return { browser, opened };
  }

  async close(): Promise<void> {
    for (const bff of this.bffs) await bff.close();
    await this.here.close();
    await this.elsewhere.close();
  }
}
