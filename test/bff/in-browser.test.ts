import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startChromium } from '../support/chromium.ts';
import { SecureSite } from './support/secure-site.ts';
import { BROWSER_ADDRESS } from './support/tls-proxy.ts';
import { cookieOf, signIn, Visitors } from './support/visitors.ts';

const ACCESS_TOKEN_MS = 15 * 60_000;
const COOKIES = ['access', 'refresh', 'pre', 'device', 'ticket', 'notice', 'language'];

let site: SecureSite;
let browser: Browser;
let people: Visitors;

beforeAll(async () => {
  site = await SecureSite.open();
  browser = await startChromium({ keepsPages: true });
  people = new Visitors(browser, site.origin);
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

describe('sign-in by password', () => {
  test('shows the devices, with the address that the proxy states', async () => {
    const page = await people.signedIn();
    const device = page.locator('[data-current]');
    expect(await device.getByText('This device', { exact: true }).isVisible()).toBe(true);
    expect(await device.textContent()).toContain(BROWSER_ADDRESS);
  });

  test('with a wrong password says so, and keeps the username', async () => {
    const page = await people.visit('/sign-in');
    await signIn(page, 'wrong');
    await page.getByText('The username or the password is wrong.').waitFor();
    expect(await page.getByLabel('Username').inputValue()).toBe('admin');
    expect(await page.getByLabel('Password').inputValue()).toBe('');
  });

  test('after many wrong passwords says when to try again, and works then', async () => {
    const page = await people.signedIn();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    const throttled = page.getByText('Too many attempts.');
    for (let tries = 0; tries < 15 && !(await throttled.isVisible()); tries++) {
      await signIn(page, 'wrong');
      await page.getByRole('alert').waitFor();
    }
    expect(await page.getByRole('alert').textContent()).toMatch(/Try again in \d+ seconds?\./);
    expect(await page.getByLabel('Username').inputValue()).toBe('admin');
    site.clock.setForward(60_000);
    await signIn(page);
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
  });

  test('works over http on loopback, where cookies have plain names', async () => {
    const page = await new Visitors(browser, site.loopback.origin).signedIn();
    expect(page.url()).toBe(`${site.loopback.origin}/devices`);
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name }) => name).sort()).toEqual([
      'lk_access',
      'lk_device',
      'lk_pre',
      'lk_refresh',
    ]);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({ secure: false, httpOnly: true, sameSite: 'Lax' });
  });
});

describe('cookies over https', () => {
  test('are for this host, over TLS, and not for scripts or other sites', async () => {
    site.proxy.setCookies.length = 0;
    const page = await people.visit('/sign-in?lang=en');
    await signIn(page);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You are signed out.').waitFor();
    const sent = site.proxy.setCookies;
    const names = new Set(sent.map((cookie) => cookie.split('=', 1)[0]));
    expect([...names].sort()).toEqual(COOKIES.map((name) => `__Host-lk_${name}`).sort());
    for (const cookie of sent) {
      expect(cookie).toMatch(/^[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    }
  });

  test('are kept by the browser, and no script sees one', async () => {
    const page = await people.signedIn();
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name }) => name)).toContain('__Host-lk_refresh');
    for (const cookie of cookies) {
      expect(cookie).toMatchObject({
        domain: '127.0.0.1',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
      });
    }
    expect(await page.evaluate('document.cookie')).toBe('');
  });
});

describe('a form of another origin', () => {
  test.each([
    ['of another site', 'https://attacker.example/'],
    ['of another port of this host, which gets its cookies', 'https://127.0.0.1:8443/'],
  ])('%s is refused', async (_which, attacker) => {
    const page = await people.signedIn();
    const csrf = await page.locator('[name="csrf"]').first().inputValue();
    const forged = `<form method="post" action="${site.origin}/sign-out"><input name="csrf" value="${csrf}"><button>Win</button></form>`;
    await page.route(attacker, (route) => route.fulfill({ contentType: 'text/html', body: forged }));
    await page.goto(attacker);
    await page.getByRole('button', { name: 'Win' }).click();
    await page.getByRole('heading', { name: 'That form was not accepted' }).waitFor();
    expect(page.url()).toBe(`${site.origin}/sign-out`);
    await page.goto(`${site.origin}/devices`);
    expect(await page.getByRole('heading', { name: 'Your devices' }).isVisible()).toBe(true);
  });
});

describe('a session in a browser', () => {
  test('is refreshed silently when its access token has expired, by whichever replica is asked', async () => {
    const page = await people.signedIn();
    for (const path of ['/password', '/devices', '/devices']) {
      const before = await cookieOf(page, '__Host-lk_access');
      site.clock.setForward(ACCESS_TOKEN_MS + 1_000);
      await page.goto(site.origin + path);
      expect(page.url()).toBe(site.origin + path);
      expect(await cookieOf(page, '__Host-lk_access')).not.toBe(before);
    }
  });

  test('survives that the answer to a refresh is lost: the next one has the same tokens', async () => {
    const page = await people.signedIn();
    await page.context().clearCookies({ name: '__Host-lk_access' });
    site.proxy.setCookies.length = 0;
    site.proxy.loseAnswerTo('/devices');
    // Chromium asks again by itself if the connection was used before.
    await page.goto(`${site.origin}/devices`).catch(() => undefined);
    expect(site.proxy.isLosing).toBe(false);
    const lost = site.proxy.setCookies.find((cookie) => cookie.startsWith('__Host-lk_refresh='));
    await page.goto(`${site.origin}/devices`);
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
    expect(lost).toContain(`=${await cookieOf(page, '__Host-lk_refresh')};`);
  });

  test('shows nothing by the back button after it was signed out', async () => {
    const page = await people.signedIn();
    await page.getByRole('link', { name: 'Password' }).click();
    await page.getByLabel('Current password').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You are signed out.').waitFor();
    for (const path of ['/password', '/devices']) {
      await page.goBack();
      await page.waitForURL(`${site.origin}/sign-in?next=${encodeURIComponent(path)}`);
      expect(await page.getByRole('button', { name: 'Sign out', exact: true }).count()).toBe(0);
    }
  });
});
