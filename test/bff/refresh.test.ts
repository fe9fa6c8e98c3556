import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import { eventually } from '../support/eventually.ts';
import { HOUR, MINUTE } from '../support/sessions.ts';
import type { Answer, Browser } from './support/browser.ts';
import { SessionSites } from './support/session-sites.ts';

let sites: SessionSites;
let browser: Browser;
let opened: OpenedSession;

beforeEach(async () => {
  sites = await SessionSites.open();
  ({ browser, opened } = await sites.signedIn());
});

afterEach(() => sites.close());

const refreshTokenIn = ({ setCookies }: Answer) => setCookies.get('lk_refresh')?.split(/[=;]/)[1];
const expire = () => sites.settle(16 * MINUTE);

async function generation(): Promise<number | undefined> {
  const { userId, sessionId } = opened.session;
  const found = await sites.here.world.store.read(userId, sessionId, sites.clock.now());
  return found.kind === 'live' ? found.session.generation : undefined;
}

/** Sends a request as the browser would, whose answer changes nothing in the jar. */
async function answerOf(path: string, at = browser.at): Promise<Answer> {
  const { cookies } = browser;
  const copy = Object.assign(Object.create(Object.getPrototypeOf(browser)), browser, { at, jar: new Map() });
  return copy.get(path, { cookie: cookies });
}

describe('an expired access token', () => {
  test('is refreshed once for ten parallel requests over two replicas, and nobody is taken for a thief', async () => {
    await expire();
    const urls = sites.bffs.map(({ url }) => url);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => answerOf('/api/session', urls[index % 2])),
    );
    expect(answers.map(({ json }) => json.isSignedIn)).toEqual(Array(10).fill(true));
    expect(new Set(answers.map(refreshTokenIn)).size).toBe(1);
    expect(await generation()).toBe(opened.session.generation + 1);
    for (const { setCookies } of answers) browser.keep(setCookies);
    await sites.settle(HOUR);
    expect((await browser.get('/api/session')).json).toMatchObject({ isSignedIn: true });
    expect(await generation()).toBe(opened.session.generation + 2);
  });

  test('is refreshed again after a lost answer, at any replica, with the same successor', async () => {
    await expire();
    const lost = await answerOf('/api/session');
    const again = await answerOf('/api/session', sites.bffs[1].url);
    expect(refreshTokenIn(again)).toBe(refreshTokenIn(lost));
    expect(again.json.isSignedIn).toBe(true);
  });

  test('is refreshed although the browser has gone, and its next request gets the tokens', async () => {
    await expire();
    const { sessions } = sites.here.world;
    const refresh = sessions.refresh.bind(sessions);
    const held = Promise.withResolvers<void>();
    let refreshes = 0;
    sessions.refresh = async (...given) => {
      refreshes += 1;
      const refreshed = await refresh(...given);
      await held.promise;
      return refreshed;
    };
    const gone = new AbortController();
    const request = fetch(`${browser.at}/api/session`, {
      headers: { cookie: browser.cookies },
      signal: gone.signal,
    });
    await eventually(() => refreshes === 1);
    gone.abort();
    await expect(request).rejects.toThrow();
    held.resolve();
    await eventually(async () => (await generation()) === opened.session.generation + 1);
    const next = await browser.get('/api/session');
    expect(next.json.isSignedIn).toBe(true);
    expect(refreshTokenIn(next)).toMatch(/^lkr_/);
    expect(refreshes).toBe(1);
  });
});

describe('an answer that comes late', () => {
  /** Holds the answer of `/api/sessions`. */
  function holdLists() {
    const { control } = sites.here.world;
    const list = control.list.bind(control);
    const held = Promise.withResolvers<void>();
    const isAsked = Promise.withResolvers<void>();
    control.list = async (...given) => {
      isAsked.resolve();
      await held.promise;
      return list(...given);
    };
    return { release: held.resolve, asked: isAsked.promise };
  }

  test('has the newest tokens, not those that its own refresh got', async () => {
    await expire();
    const lists = holdLists();
    const late = answerOf('/api/sessions');
    await lists.asked;
    await browser.get('/api/session');
    const second = browser.jar.get('lk_refresh');
    await expire();
    await browser.get('/api/session');
    const third = browser.jar.get('lk_refresh');
    lists.release();
    expect(third).not.toBe(second);
    expect(refreshTokenIn(await late)).toBe(third);
  });

  test('has no tokens of a session that has ended meanwhile: the browser may have another one', async () => {
    await expire();
    const lists = holdLists();
    const late = answerOf('/api/sessions');
    await lists.asked;
    const { userId, sessionId } = opened.session;
    await sites.here.world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', { kind: 'operator' });
    await sites.settle(1);
    lists.release();
    expect(refreshTokenIn(await late)).toBeUndefined();
  });
});

describe('a refused refresh', () => {
  test('says why the session ended, and deletes no cookie', async () => {
    const { userId, sessionId } = opened.session;
    await sites.elsewhere.world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', { kind: 'operator' });
    await sites.settle(20 * MINUTE);
    const answer = await browser.get('/api/sessions');
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({
      ...{ reason: 'SESSION_ENDED', endReason: 'ENDED_BY_ADMIN', endedBy: 'OPERATOR' },
    });
    expect([...answer.setCookies.keys()]).toEqual([]);
    const page = await browser.get('/sign-in');
    expect(page.json.ended).toMatchObject({ endReason: 'ENDED_BY_ADMIN' });
    expect([...page.setCookies.keys()]).not.toContain('lk_refresh');
  });

  test('is refused again for a form, whose fields are shown except passwords', async () => {
    const { userId, sessionId } = opened.session;
    const csrf = await browser.csrfToken();
    await sites.here.world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', { kind: 'operator' });
    await sites.settle(1);
    const body = new URLSearchParams({ csrf, digits: '42', current_password: 'secret' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const path = `/qr/${'A'.repeat(22)}`;
    const answer = await browser.send(`${path}/approve`, { method: 'POST', headers, body });
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({
      ...{ name: 'session-ended', next: path, ended: { endReason: 'ENDED_BY_ADMIN' } },
      kept: [{ name: 'digits', value: '42' }],
    });
  });
});

describe('a token that is about to expire', () => {
  test('is refreshed ahead of time', async () => {
    await sites.settle(14 * MINUTE + 30_000);
    const answer = await browser.get('/api/session');
    expect(answer.json.isSignedIn).toBe(true);
    expect(refreshTokenIn(answer)).toMatch(/^lkr_/);
  });

  test('is still good if the refresh fails, so nobody notices a short outage', async () => {
    await sites.settle(14 * MINUTE + 30_000);
    sites.here.world.sessions.refresh = () => Promise.reject(new Error('the store is away'));
    const answer = await browser.get('/api/session');
    expect(answer.json.isSignedIn).toBe(true);
    expect(refreshTokenIn(answer)).toBeUndefined();
  });
});
