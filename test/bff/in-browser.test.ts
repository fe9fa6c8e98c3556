import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { PAGES } from '../../src/bff/all-pages.ts';
import { type Bff, openBff } from '../../src/bff/bff.ts';
import { startChromium } from '../support/chromium.ts';
import { BffSite, CLOCK, configOf, PASSWORD } from './support/bff-site.ts';

let site: BffSite;
let bff: Bff;
let browser: Browser;

beforeAll(async () => {
  site = await BffSite.open();
  bff = await openBff(configOf({ LATCHKEY_BFF_SERVICE_ADDRESS: site.service.address }), {
    clock: CLOCK,
    pages: PAGES,
  });
  browser = await startChromium();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser.close();
  await bff.close();
  await site.close();
});

/** A page of a browser with cookies of its own. */
async function visit(path: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(bff.origin + path);
  return page;
}

async function signIn(password = PASSWORD): Promise<Page> {
  const page = await visit('/sign-in');
  await page.getByLabel('Username').fill('admin');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  return page;
}

/** Lets the phone scan the code that the desktop shows. Returns the digits that the desktop shows then. */
async function scan(phone: Page, desktop: Page): Promise<string> {
  const cookies = await desktop.context().cookies();
  const ticketId = cookies.find(({ name }) => name === 'lk_ticket')?.value.split('.')[0];
  await phone.goto(`${bff.origin}/qr/${ticketId}`);
  await phone.getByRole('button', { name: 'Show the device' }).click();
  await desktop.getByRole('heading', { name: 'Look at your phone' }).waitFor();
  return (await desktop.locator('[data-digits] span').allTextContents()).join('');
}

async function approve(phone: Page, digits: string): Promise<void> {
  await phone.getByLabel('The two digits on that screen').fill(digits);
  await phone.getByRole('button', { name: 'Approve' }).click();
}

describe('a real browser', () => {
  test('signs in by password', async () => {
    const page = await signIn();
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
    expect(await page.getByText('This device', { exact: true }).isVisible()).toBe(true);
  });

  test('is told that the password is wrong, and keeps the username', async () => {
    const page = await signIn('wrong');
    await page.getByText('The username or the password is wrong.').waitFor();
    expect(await page.getByLabel('Username').inputValue()).toBe('admin');
    expect(await page.getByLabel('Password').inputValue()).toBe('');
  });

  test('is signed in by a phone that scans its code, and then told at once when it is signed out', async () => {
    const phone = await signIn();
    const desktop = await visit('/sign-in');
    await approve(phone, await scan(phone, desktop));
    await phone.getByRole('heading', { name: 'Approved' }).waitFor();
    await desktop.getByRole('heading', { name: 'Your devices' }).waitFor();

    await desktop.goto(`${bff.origin}/password`);
    await desktop.getByLabel('Current password').fill('typed');
    await phone.goto(`${bff.origin}/devices`);
    await phone.getByText('Sign out all others').click();
    await phone.getByRole('button', { name: 'Yes, sign them out' }).click();
    await phone.getByText('All your other devices are signed out.').waitFor();
    await desktop.getByText('The session was ended from another of your devices.').waitFor();
    expect(await desktop.getByLabel('Current password').inputValue()).toBe('typed');
  });

  test('is not signed in if the phone denies, and gets a new code', async () => {
    const phone = await signIn();
    const desktop = await visit('/sign-in');
    await scan(phone, desktop);
    await phone.getByRole('button', { name: 'Deny' }).click();
    await phone.getByRole('heading', { name: 'Denied' }).waitFor();
    await desktop.getByRole('heading', { name: 'Not approved' }).waitFor();
    await desktop.getByRole('button', { name: 'New code' }).click();
    await desktop.getByRole('heading', { name: 'Use your phone' }).waitFor();
  });

  test('is not signed in after one wrong pair of digits', async () => {
    const phone = await signIn();
    const desktop = await visit('/sign-in');
    const digits = await scan(phone, desktop);
    await approve(phone, digits === '00' ? '01' : '00');
    await phone.getByText('Those were not the right digits.').waitFor();
    await desktop.getByRole('heading', { name: 'Not approved' }).waitFor();
  });
});
