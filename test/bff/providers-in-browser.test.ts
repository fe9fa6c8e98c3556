import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../support/chromium.ts';
import { OidcServer } from '../support/oidc-server.ts';
import { SecureSite } from './support/secure-site.ts';
import { Visitors } from './support/visitors.ts';

const CALLBACK = '/external/acme/callback';

let provider: OidcServer;
let site: SecureSite;
let browser: Browser;
let people: Visitors;

beforeAll(async () => {
  site = await SecureSite.open(async (origin, folder) => {
    provider = await OidcServer.start(origin + CALLBACK);
    const { clientId, clientSecret, issuer } = provider;
    const acme = {
      name: 'acme',
      type: 'oidc',
      display_name: 'Acme',
      issuer,
      client_id: clientId,
      timeout: '1s',
    };
    writeFileSync(path.join(folder, 'acme.secret'), clientSecret);
    const file = path.join(folder, 'providers.json');
    writeFileSync(file, JSON.stringify({ providers: [{ ...acme, client_secret_file: 'acme.secret' }] }));
    return { LATCHKEY_PROVIDERS_FILE: file };
  });
  browser = await startChromium();
  people = new Visitors(browser, site.origin);
});

beforeEach(() => {
  provider.account = 'ada';
  provider.hangs = false;
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await provider?.stop();
});

/** Goes from the sign-in page to the provider, which sends the browser back. */
async function continueWithAcme(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Continue with Acme' }).click();
}

async function linked(account: string): Promise<Page> {
  provider.account = account;
  const page = await people.signedIn();
  await page.goto(`${site.origin}/providers`);
  await page.getByRole('button', { name: 'Link Acme' }).click();
  await page.getByText('The account is linked.').waitFor();
  return page;
}

async function unlink(page: Page): Promise<void> {
  await page.goto(`${site.origin}/providers`);
  await page.getByRole('button', { name: /^Unlink Acme/ }).click();
  await page.getByText('The account is unlinked.').waitFor();
}

/** Begins a sign-in, and stops when the provider sends the browser back. Returns where to. */
async function answerFor(page: Page): Promise<string> {
  site.proxy.blocks = CALLBACK;
  await continueWithAcme(page);
  await page.getByText('blocked').waitFor();
  site.proxy.blocks = undefined;
  return page.url();
}

describe('sign-in through a provider', () => {
  test('works once the account is linked, until it is unlinked', async () => {
    const page = await linked('ada');
    const other = await people.visit('/sign-in?next=/password');
    await continueWithAcme(other);
    await other.waitForURL(`${site.origin}/password`);
    const flow = site.proxy.setCookies.find((cookie) => cookie.startsWith('__Host-lk_flow='));
    expect(flow).toMatch(/; Max-Age=1200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    await unlink(page);
    const another = await people.visit('/sign-in');
    await continueWithAcme(another);
    await another.getByText('That account is not linked to anybody here.').waitFor();
  });

  test('says so if the person cancels at the provider', async () => {
    provider.account = undefined;
    const page = await people.visit('/sign-in?next=/password');
    await continueWithAcme(page);
    await page.getByText('The provider did not sign you in.').waitFor();
    expect(page.url()).toBe(`${site.origin}/sign-in?next=%2Fpassword`);
  });

  test('says so if the provider does not answer', async () => {
    const page = await people.visit('/sign-in');
    const answer = await answerFor(page);
    provider.hangs = true;
    await page.goto(answer);
    await page.getByText('The provider does not answer at present.').waitFor();
  });

  test('does not take the answer that another browser got', async () => {
    const owner = await linked('mallory');
    const attacker = await people.visit('/sign-in');
    const answer = await answerFor(attacker);
    const victim = await people.visit('/sign-in');
    await victim.goto(answer);
    await victim.getByText('That sign-in did not begin here, or it took too long.').waitFor();
    expect(await victim.getByLabel('Username').isVisible()).toBe(true);
    await unlink(owner);
  });

  test('does not take the same answer twice', async () => {
    const owner = await linked('grace');
    const page = await people.visit('/sign-in');
    const answer = await answerFor(page);
    await page.goto(answer);
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
    await page.goto(answer);
    await page.getByText('That sign-in did not begin here, or it took too long.').waitFor();
    await unlink(owner);
  });

  test('loses nothing if the answer of this site is lost', async () => {
    const owner = await linked('joan');
    const page = await people.visit('/sign-in');
    const answer = await answerFor(page);
    site.proxy.loseAnswerTo(CALLBACK);
    // Chromium asks again by itself if the connection was used before.
    await page.goto(answer).catch(() => page.goto(answer));
    expect(site.proxy.isLosing).toBe(false);
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
    await unlink(owner);
  });
});
