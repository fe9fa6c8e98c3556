import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startChromium } from '../../support/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { type PageServer, startPageServer } from '../../support/page-server.ts';
import { SAMPLE_PAGES } from '../../support/sample-pages.ts';

const TICKET_EVENTS = '/sign-in/code/events';
const SESSION_EVENTS = '/api/events';
const EXPIRES_AT = '2026-11-22T10:22:00Z';

let browser: Browser;
let server: PageServer;
let page: Page;

beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  server = await startPageServer((url) => SAMPLE_PAGES[url.pathname.slice(1)]?.('en'));
});
afterEach(async () => {
  await page.context().close();
  await server.close();
});

async function open(name: string, options: BrowserContextOptions = {}): Promise<void> {
  page = await (await browser.newContext(options)).newPage();
  await page.goto(`${server.url}/${name}`);
}

/** Opens a page and waits until it follows the events of `path`. */
async function follow(name: string, path: string): Promise<void> {
  await open(name);
  await eventually(() => server.streamsOf(path) === 1);
}

const ticket = (state: string, digits = '', denial = 'UNSPECIFIED') => ({
  state,
  digits,
  denial,
  expiresAt: EXPIRES_AT,
});

describe('the code beside the sign-in form', () => {
  test('shows and announces the digits once it is scanned', async () => {
    await follow('sign-in', TICKET_EVENTS);
    server.send(TICKET_EVENTS, 'ticket', ticket('SCANNED', '47'));
    await page.getByText('Look at your phone').first().waitFor();
    expect(await page.locator('[data-digits] span').allTextContents()).toEqual(['4', '7']);
    expect(await page.getByRole('img').isVisible()).toBe(false);
    expect(await page.locator('[data-say]').textContent()).toContain('Type 47 on your phone.');
  });

  test('signs in once it is approved', async () => {
    await follow('sign-in', TICKET_EVENTS);
    server.send(TICKET_EVENTS, 'ticket', ticket('APPROVED'));
    await eventually(() => server.posts.length === 1);
    expect(server.posts).toEqual([
      { path: '/sign-in/code/redeem', body: 'csrf=lJ2Vd0Qm4yT1sK7e&next=%2Fdevices' },
    ]);
    await eventually(() => server.streamsOf(TICKET_EVENTS) === 0);
  });

  test.each([
    ['DENIED', 'Not approved'],
    ['EXPIRED', 'No code here'],
  ])('offers a new code when it is %s, and keeps the username', async (state, heading) => {
    await follow('sign-in', TICKET_EVENTS);
    await page.getByLabel('Username').fill('mia');
    server.send(TICKET_EVENTS, 'ticket', ticket(state));
    await page.getByRole('heading', { name: heading }).waitFor();
    expect(await page.getByRole('progressbar').isVisible()).toBe(false);
    expect(await page.getByLabel('Username').inputValue()).toBe('mia');
    await page.getByRole('button', { name: 'New code' }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts[0]?.path).toBe('/sign-in/code');
  });

  test('counts down by its own time, whatever the clock of the device says', async () => {
    await open('sign-in', {});
    await page.clock.install({ time: new Date('2031-01-01T00:00:00Z') });
    // However long the page takes to load.
    await page.clock.pauseAt(new Date('2031-01-01T00:01:00Z'));
    await page.reload();
    expect(await page.locator('[data-countdown]').textContent()).toBe('1:45');
    await page.clock.runFor(5_000);
    expect(await page.locator('[data-countdown]').textContent()).toBe('1:40');
  });

  test('goes on by hand if it was approved before the page was loaded', async () => {
    const html = SAMPLE_PAGES['sign-in']?.('en').replace('data-ticket="PENDING"', 'data-ticket="REDEEMED"');
    page = await (await browser.newContext()).newPage();
    await page.route('**/sign-in', (route) => route.fulfill({ contentType: 'text/html', body: html ?? '' }));
    await page.goto(`${server.url}/sign-in`);
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts[0]?.path).toBe('/sign-in/code/redeem');
  });

  test('goes on by hand if the events are refused', async () => {
    page = await (await browser.newContext()).newPage();
    await page.route(`**${TICKET_EVENTS}`, (route) => route.fulfill({ status: 503 }));
    await page.goto(`${server.url}/sign-in`);
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts[0]?.path).toBe('/sign-in/code/redeem');
  });
});

describe('the list of devices', () => {
  test('loses a device that was signed out elsewhere, and says so', async () => {
    await follow('devices', SESSION_EVENTS);
    const sessionId = '019aa0aa-1111-7b3a-9a51-0d2f6c4e8b11';
    server.send(SESSION_EVENTS, 'session-ended', { sessionId, endReason: 'LOGGED_OUT', endedBy: 'USER' });
    await page.getByText('Safari 26 on iPhone was signed out.').waitFor();
    expect(await page.locator('[data-session]').count()).toBe(2);
  });

  test('keeps this device alone when all others were signed out', async () => {
    await follow('devices', SESSION_EVENTS);
    server.send(SESSION_EVENTS, 'session-ended', { sessionId: '', endReason: 'ENDED_BY_USER' });
    await page.getByText('Your other devices were signed out.').waitFor();
    expect(await page.locator('[data-session]').count()).toBe(1);
    expect(await page.getByText('This device').isVisible()).toBe(true);
  });

  test('says when it may be out of date', async () => {
    await follow('devices', SESSION_EVENTS);
    server.send(SESSION_EVENTS, 'interrupted', {});
    await page.getByText('The list may be out of date.').waitFor();
    server.send(SESSION_EVENTS, 'alive', {});
    await page.getByText('The list may be out of date.').waitFor({ state: 'hidden' });
  });

  test('follows its events again after they were refused', async () => {
    page = await (await browser.newContext()).newPage();
    await page.clock.install();
    await page.route(`**${SESSION_EVENTS}`, (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.goto(`${server.url}/devices`);
    await page.getByText('The list may be out of date.').waitFor();
    await eventually(async () => {
      await page.clock.runFor(5_000);
      return server.streamsOf(SESSION_EVENTS) === 1;
    });
    server.send(SESSION_EVENTS, 'alive', {});
    await page.getByText('The list may be out of date.').waitFor({ state: 'hidden' });
  });

  test('asks before it signs all other devices out', async () => {
    await open('devices');
    await page.getByText('Sign out all others').click();
    await page.getByRole('button', { name: 'Yes, sign them out' }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts[0]?.path).toBe('/devices/end-others');
  });
});

describe('a page whose session ended', () => {
  const ended = (endReason: string) => ({ sessionId: 'x', endReason, endedBy: 'USER', endedAt: '' });

  test('says why if it ended while no events came', async () => {
    page = await (await browser.newContext()).newPage();
    const session = { isSignedIn: false, csrfToken: 'x', ended: { endReason: 'ENDED_BY_ADMIN' } };
    await page.route(`**${SESSION_EVENTS}`, (route) => route.fulfill({ status: 401 }));
    await page.route('**/api/session', (route) => route.fulfill({ json: session }));
    await page.goto(`${server.url}/change-password`);
    await page.getByRole('alert').getByText('An administrator ended the session.').waitFor();
  });

  test('says why at once, keeps what was typed, and sends nothing', async () => {
    await follow('change-password', SESSION_EVENTS);
    await page.getByLabel('Current password').fill('correct horse');
    server.send(SESSION_EVENTS, 'ended', ended('ENDED_BY_USER'));
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.getByText('The session was ended from another of your devices.').isVisible()).toBe(
      true,
    );
    expect(await alert.getByText('The session has ended.').isVisible()).toBe(false);
    expect(await alert.getByRole('link', { name: 'Sign in again' }).getAttribute('href')).toBe(
      '/sign-in?next=%2Fpassword',
    );
    expect(await page.getByLabel('Current password').inputValue()).toBe('correct horse');
    expect(await page.getByRole('button', { name: 'Change the password' }).isDisabled()).toBe(true);
    await eventually(() => server.streamsOf(SESSION_EVENTS) === 0);
  });

  test('says so for a reason that it does not know', async () => {
    await follow('devices', SESSION_EVENTS);
    server.send(SESSION_EVENTS, 'ended', ended('LATER_REASON'));
    await page.getByText('The session has ended.').waitFor();
  });
});

describe('without scripts', () => {
  test('the code is redeemed by a button', async () => {
    await open('sign-in', { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts[0]?.path).toBe('/sign-in/code/redeem');
  });

  test('the phone approves with the digits', async () => {
    await open('approve', { javaScriptEnabled: false });
    await page.getByLabel('The two digits on that screen').fill('47');
    await page.getByRole('button', { name: 'Approve' }).click();
    await eventually(() => server.posts.length === 1);
    expect(server.posts).toEqual([
      { path: '/qr/5fQ0YkP2Jm9aT3xWc8LrBg/approve', body: 'csrf=lJ2Vd0Qm4yT1sK7e&digits=47' },
    ]);
  });
});

test('times are those of the browser', async () => {
  await open('session-history', { timezoneId: 'Asia/Shanghai' });
  expect(await page.locator('time[data-moment]').first().textContent()).toBe('Nov 22, 2026, 16:50');
});

test('the first stop of the keyboard leads to the content', async () => {
  await open('devices');
  await page.keyboard.press('Tab');
  expect(
    await page
      .getByRole('link', { name: 'Skip to the content' })
      .evaluate((link) => link.matches(':focus-visible')),
  ).toBe(true);
});
