import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContext, Page } from 'playwright-core';

/** Rules that find nothing wrong here. A form without a name is no landmark (HTML-AAM), so it needs no name. */
const LEFT_OUT = new Set(['aria_form_label_unique', 'aria_landmark_name_unique']);

interface Result {
  readonly ruleId: string;
  /** How bad it is, and whether it is certain, for example `VIOLATION` and `FAIL`. */
  readonly value: readonly [string, string];
  readonly message: string;
  readonly path: { readonly dom: string };
}

/** Loads the checker before each page of the context. */
export async function addAccessibilityChecker(context: BrowserContext): Promise<void> {
  const file = createRequire(import.meta.url).resolve('accessibility-checker-engine');
  await context.addInitScript({ content: `${readFileSync(file, 'utf8')}\nglobalThis.ace = ace;` });
}

/** What certainly breaks WCAG 2.2 (A and AA) or good practice in this page. Each: rule, place and message. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  // Text, not a function: coverage and compilers would change a function that runs in the browser.
  const results = await page.evaluate<readonly Result[]>(
    `new ace.Checker().check(document, ['WCAG_2_2']).then((report) => report.results)`,
  );
  return results
    .filter(({ ruleId, value }) => value[1] === 'FAIL' && !LEFT_OUT.has(ruleId))
    .map(({ ruleId, path, message }) => `${ruleId} ${path.dom}: ${message}`);
}
