import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { App } from '../../../src/app/started.ts';
import { openApp } from '../../../src/app.ts';
import { PAGES } from '../../../src/bff/all-pages.ts';
import { type Bff, openBff } from '../../../src/bff/bff.ts';
import { type Clock, connect } from '../../../src/client/index.ts';
import { readConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { configOf, PASSWORD } from './bff-site.ts';
import { TlsProxy } from './tls-proxy.ts';

/** The account of the BFF, which states the addresses of browsers. */
const ACCOUNT = { username: 'bff', password: 'a front of its own' };

/** Makes variables of the service from the public origin and a folder for files. */
type SettingsFor = (origin: string, folder: string) => Promise<Readonly<Record<string, string>>>;

/** The clock of this machine, which a test can set forward. */
export class ForwardClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonic(): number {
    return performance.now();
  }

  setForward(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** A service and two replicas of the BFF with the real pages, behind a proxy with a test certificate. One clock for all. */
export class SecureSite {
  readonly clock: ForwardClock;
  readonly proxy: TlsProxy;
  /** Another BFF in front of the same service: http on loopback, as `./scripts/run` starts it. */
  readonly loopback: Bff;
  readonly #app: App;
  readonly #bffs: readonly Bff[];
  readonly #folder: string;

  private constructor(
    folder: string,
    clock: ForwardClock,
    app: App,
    proxy: TlsProxy,
    [loopback, ...replicas]: [Bff, Bff, Bff],
  ) {
    this.#folder = folder;
    this.clock = clock;
    this.#app = app;
    this.proxy = proxy;
    this.loopback = loopback;
    this.#bffs = [loopback, ...replicas];
    proxy.replicas = replicas.map(({ url }) => url);
  }

  /** @param settingsFor variables of the service, once the origin is known. */
  static async open(settingsFor: SettingsFor = async () => ({})): Promise<SecureSite> {
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-web-'));
    const keys = path.join(folder, 'cookie.keys');
    writeFileSync(keys, `${randomBytes(32).toString('base64url')}\n`);
    const clock = new ForwardClock();
    const proxy = await TlsProxy.open();
    const app = await openService(folder, clock, {
      LATCHKEY_PUBLIC_ORIGIN: proxy.origin,
      ...(await settingsFor(proxy.origin, folder)),
    });
    const service = {
      LATCHKEY_BFF_SERVICE_ADDRESS: app.address,
      LATCHKEY_BFF_SERVICE_USERNAME: ACCOUNT.username,
      LATCHKEY_BFF_SERVICE_PASSWORD: ACCOUNT.password,
    };
    const secure = {
      LATCHKEY_BFF_PUBLIC_ORIGIN: proxy.origin,
      LATCHKEY_BFF_COOKIE_KEYS_FILE: keys,
      LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.1',
    };
    const open = (settings = {}) => openBff(configOf({ ...service, ...settings }), { clock, pages: PAGES });
    return new SecureSite(folder, clock, app, proxy, [await open(), await open(secure), await open(secure)]);
  }

  get origin(): string {
    return this.proxy.origin;
  }

  async close(): Promise<void> {
    await this.proxy.close();
    for (const bff of this.#bffs) await bff.close();
    await this.#app.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function openService(
  folder: string,
  clock: Clock,
  settings: Readonly<Record<string, string>>,
): Promise<App> {
  const outcome = readConfig(
    {
      LATCHKEY_LISTEN: '127.0.0.1:0',
      LATCHKEY_METRICS_LISTEN: 'off',
      LATCHKEY_DATA_DIR: folder,
      LATCHKEY_BCRYPT_COST: '4',
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      LATCHKEY_FRONT_AUTH: 'token',
      ...settings,
    },
    1,
  );
  if (outcome.kind === 'issues') throw new Error(JSON.stringify(outcome.issues));
  const app = await openApp(outcome.config, clock, createLogger('silent'));
  const client = connect(app.address, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
  const account = {
    username: ACCOUNT.username,
    credential: { $case: 'password', value: ACCOUNT.password },
    roles: ['front', 'service'],
  } as const;
  await client.users.createUser({ ...account, roles: [...account.roles] }, { token: tokens.accessToken });
  await client.close();
  return app;
}
