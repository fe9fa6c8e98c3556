import type { Browser, Page } from 'playwright-core';
import { PASSWORD } from './bff-site.ts';

/** People at a site, each with a browser of their own. */
export class Visitors {
  readonly #browser: Browser;
  readonly #origin: string;

  constructor(browser: Browser, origin: string) {
    this.#browser = browser;
    this.#origin = origin;
  }

  /** Opens a page in a browser without cookies. */
  async visit(path: string): Promise<Page> {
    const context = await this.#browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(this.#origin + path);
    return page;
  }

  /** Signs in as admin. Shows the list of devices. */
  async signedIn(): Promise<Page> {
    const page = await this.visit('/sign-in');
    await signIn(page);
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
    return page;
  }

  /** Signs in by password on a phone, which opens the page of the code that the desktop shows. */
  async phoneAt(desktop: Page): Promise<Page> {
    const phone = await this.signedIn();
    await phone.goto(`${this.#origin}/qr/${await ticketIdOf(desktop)}`);
    return phone;
  }
}

/** Fills in the form of the sign-in page and sends it. */
export async function signIn(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Username').fill('admin');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Scans the code. Returns the digits that the desktop shows then. */
export async function scan(phone: Page, desktop: Page): Promise<string> {
  await phone.getByRole('button', { name: 'Show the device' }).click();
  await desktop.getByRole('heading', { name: 'Look at your phone' }).waitFor();
  return (await desktop.locator('[data-digits] span').allTextContents()).join('');
}

export async function approve(phone: Page, digits: string): Promise<void> {
  await phone.getByLabel('The two digits on that screen').fill(digits);
  await phone.getByRole('button', { name: 'Approve' }).click();
}

/** The value of a cookie that the browser of this page keeps. */
export async function cookieOf(page: Page, name: string): Promise<string | undefined> {
  return (await page.context().cookies()).find((cookie) => cookie.name === name)?.value;
}

/** The id in the QR code, which the cookie of the ticket begins with. */
async function ticketIdOf(page: Page): Promise<string | undefined> {
  return (await cookieOf(page, '__Host-lk_ticket'))?.split('.')[0];
}
