import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';

export interface ChromiumOptions {
  /** Whether the back button may show a page out of memory, as for people. Default: playwright turns it off. */
  readonly keepsPages?: boolean;
}

/** Starts Debian's chromium. Fails with what to install if there is none. */
export async function startChromium({ keepsPages = false }: ChromiumOptions = {}): Promise<Browser> {
  if (!existsSync(PROGRAM)) throw new Error(`There is no ${PROGRAM}. Run: apt-get install chromium`);
  // The sandbox of chromium refuses to run as root. It only opens pages of these tests.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : [];
  return chromium.launch({ executablePath: PROGRAM, args, ignoreDefaultArgs });
}
