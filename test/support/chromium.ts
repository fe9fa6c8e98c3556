import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';

/** Starts Debian's chromium. Fails with what to install if there is none. */
export async function startChromium(): Promise<Browser> {
  if (!existsSync(PROGRAM)) throw new Error(`There is no ${PROGRAM}. Run: apt-get install chromium`);
  // The sandbox of chromium refuses to run as root. It only opens pages of these tests.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: PROGRAM, args });
}
