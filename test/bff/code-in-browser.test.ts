import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startChromium } from '../support/chromium.ts';
import { SecureSite } from './support/secure-site.ts';
import { approve, scan, Visitors } from './support/visitors.ts';

/** Enough for a page to load. */
const LAST_SECONDS_MS = 4_000;

let site: SecureSite;
let browser: Browser;
let people: Visitors;

beforeAll(async () => {
  site = await SecureSite.open();
  browser = await startChromium();
  people = new Visitors(browser, site.origin);
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

describe('sign-in by a code that a phone scans', () => {
  test('opens a session, which is told at once when the phone ends it', async () => {
    const desktop = await people.visit('/sign-in');
    const phone = await people.phoneAt(desktop);
    await approve(phone, await scan(phone, desktop));
    await phone.getByRole('heading', { name: 'Approved' }).waitFor();
    await desktop.getByRole('heading', { name: 'Your devices' }).waitFor();

    await desktop.goto(`${site.origin}/password`);
    await desktop.getByLabel('Current password').fill('typed');
    await phone.goto(`${site.origin}/devices`);
    await phone.getByText('Sign out all others').click();
    await phone.getByRole('button', { name: 'Yes, sign them out' }).click();
    await phone.getByText('All your other devices are signed out.').waitFor();
    await desktop.getByText('The session was ended from another of your devices.').waitFor();
    expect(await desktop.getByLabel('Current password').inputValue()).toBe('typed');
  });

  test('opens none if the phone denies, and offers a new code', async () => {
    const desktop = await people.visit('/sign-in');
    const phone = await people.phoneAt(desktop);
    await scan(phone, desktop);
    await phone.getByRole('button', { name: 'Deny' }).click();
    await phone.getByRole('heading', { name: 'Denied' }).waitFor();
    await desktop.getByRole('heading', { name: 'Not approved' }).waitFor();
    await desktop.getByRole('button', { name: 'New code' }).click();
    await desktop.getByRole('heading', { name: 'Use your phone' }).waitFor();
  });

  test('opens none after one wrong pair of digits', async () => {
    const desktop = await people.visit('/sign-in');
    const phone = await people.phoneAt(desktop);
    const digits = await scan(phone, desktop);
    await approve(phone, digits === '00' ? '01' : '00');
    await phone.getByText('Those were not the right digits.').waitFor();
    await desktop.getByRole('heading', { name: 'Not approved' }).waitFor();
  });

  test('opens none with a code that has expired, and both sides say so', async () => {
    const desktop = await people.visit('/sign-in');
    const phone = await people.phoneAt(desktop);
    const expiresAt = await desktop.locator('[data-remaining]').getAttribute('data-remaining');
    site.clock.setForward(Date.parse(expiresAt ?? '') - site.clock.now() - LAST_SECONDS_MS);
    // The page begins to follow the code again, now for its last seconds.
    await desktop.reload();
    await desktop.getByRole('heading', { name: 'Use your phone' }).waitFor();
    await desktop.getByRole('heading', { name: 'No code here' }).waitFor();
    await phone.getByRole('button', { name: 'Show the device' }).click();
    await phone.getByText('The code has expired.').waitFor();
    await phone.getByRole('heading', { name: 'This code cannot be used any more' }).waitFor();
  });
});
