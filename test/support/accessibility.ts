import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

/** How bad a fault is. axe-core also knows `minor` and `moderate`. */
const GRAVE: readonly unknown[] = ['serious', 'critical'];

/** Loads axe-core before each page of the context. */
export async function addAccessibilityChecker(context: BrowserContext): Promise<void> {
  const file = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await context.addInitScript({ content: readFileSync(file, 'utf8') });
}

/** The serious and critical faults of this page, by all rules of axe-core. Each: rule, place and help. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  // Text, not a function: coverage and compilers would change a function that runs in the browser.
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, { resultTypes: ['violations'] })`,
  );
  return violations
    .filter(({ impact }) => GRAVE.includes(impact))
    .flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id} ${target.join(' ')}: ${help}`));
}
