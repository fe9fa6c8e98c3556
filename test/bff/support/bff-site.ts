import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bff, openBff } from '../../../src/bff/bff.ts';
import { type BffConfig, readBffConfig } from '../../../src/bff/config/bff-config.ts';
import { LatchkeyProcess } from '../../support/latchkey-process.ts';
import { BARE_PAGES } from './bare-pages.ts';
import { Browser } from './browser.ts';

export const PASSWORD = 'correct horse battery';
/** A cookie whose device token the service does not know, as after its master key was replaced. */
export const UNKNOWN_DEVICE = `${'x'.repeat(22)}.lkd_unknown`;
export const CLOCK = { now: Date.now, monotonic: performance.now.bind(performance) };

export function configOf(environment: Readonly<Record<string, string>>): BffConfig {
  const outcome = readBffConfig({ LATCHKEY_BFF_LISTEN: '127.0.0.1:0', ...environment });
  if (outcome.kind === 'issues') throw new Error(JSON.stringify(outcome.issues));
  return outcome.config;
}

/** A service of its own, and BFFs in front of it. */
export class BffSite {
  readonly service: LatchkeyProcess;
  readonly #folder: string;
  readonly #bffs: Bff[] = [];

  private constructor(service: LatchkeyProcess, folder: string) {
    this.service = service;
    this.#folder = folder;
  }

  static async open(environment: Readonly<Record<string, string>> = {}): Promise<BffSite> {
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-bff-'));
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: folder,
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      ...environment,
    });
    return new BffSite(service, folder);
  }

  /** Starts a BFF. */
  async bff(environment: Readonly<Record<string, string>> = {}, clock = CLOCK): Promise<Bff> {
    const address = { LATCHKEY_BFF_SERVICE_ADDRESS: this.service.address };
    const bff = await openBff(configOf({ ...address, ...environment }), { clock, pages: BARE_PAGES });
    this.#bffs.push(bff);
    return bff;
  }

  /** Starts one behind a proxy that adds TLS. */
  secureBff(): Promise<Bff> {
    const file = path.join(this.#folder, 'cookie.keys');
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`);
    return this.bff({
      LATCHKEY_BFF_PUBLIC_ORIGIN: 'https://login.example.com',
      LATCHKEY_BFF_COOKIE_KEYS_FILE: file,
    });
  }

  async browser(environment: Readonly<Record<string, string>> = {}): Promise<Browser> {
    const { origin, url } = await this.bff(environment);
    return new Browser(origin, url);
  }

  async close(): Promise<void> {
    for (const bff of this.#bffs) await bff.close();
    await this.service.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
