import { expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Cookies } from '../../src/bff/browser/cookies.ts';
import { Front } from '../../src/bff/front.ts';
import { BrowserSessions } from '../../src/bff/session/browser-sessions.ts';
import { Refreshes } from '../../src/bff/session/refreshes.ts';
import { LatchkeyError } from '../../src/client/index.ts';
import { testLatchkey } from '../../src/client/testing/index.ts';

const latchkey = testLatchkey();
const { client, clock } = latchkey;

function sessionsWith(refresh: () => Promise<never>): BrowserSessions {
  const cookies = new Cookies(false);
  const refreshes = new Refreshes({ client: { refresh }, clock, clientId: 'web' });
  return new BrowserSessions({ client, refreshes, cookies, front: new Front('none'), clock });
}

function requestWith(cookies: Readonly<Record<string, string>>): FastifyRequest {
  return {
    cookies,
    headers: {},
    ip: '192.0.2.1',
    log: { warn: () => undefined },
  } as unknown as FastifyRequest;
}

test('a good access token costs no call of the service', async () => {
  const sessions = sessionsWith(() => {
    throw new Error('The service was called.');
  });
  const { accessToken, userId } = await latchkey.signIn();
  const request = requestWith({ lk_access: accessToken, lk_refresh: 'lkr_x' });
  expect(await sessions.of(request)).toMatchObject({ kind: 'living', identity: { userId } });
});

test('a forged refresh token signs nobody in', async () => {
  const sessions = sessionsWith(() =>
    Promise.reject(new LatchkeyError(16, 'Not a token.', { reason: 'INVALID_REFRESH_TOKEN' })),
  );
  expect(await sessions.of(requestWith({ lk_refresh: 'lkr_forged' }))).toEqual({ kind: 'none' });
});

test('an expired token is unknown, not ended, while the service is away', async () => {
  const sessions = sessionsWith(() => Promise.reject(new LatchkeyError(14, 'No answer.')));
  const { accessToken } = await latchkey.signIn({ tokenLifeMs: 60_000 });
  clock.advance(61_000);
  const session = await sessions.of(requestWith({ lk_access: accessToken, lk_refresh: 'lkr_x' }));
  expect(session.kind).toBe('unknown');
});

test('a token that is too large for a cookie is a clear error, and no cookie is set', () => {
  const set: string[] = [];
  const reply = {
    server: { serializeCookie: (name: string, value: string) => `${name}=${value}` },
    setCookie: (name: string) => set.push(name),
  } as unknown as FastifyReply;
  const later = new Date(clock.now() + 60_000);
  const tokens = {
    ...{ accessToken: 'x'.repeat(4_097), accessTokenExpiresAt: later },
    ...{ refreshToken: 'lkr_x', refreshTokenExpiresAt: later },
  };
  const sessions = sessionsWith(() => Promise.reject(new Error('not called')));
  expect(() => sessions.setTokens(reply, tokens)).toThrow(
    'The cookie lk_access would have 4107 bytes; browsers keep 4096. Give the user fewer or shorter roles.',
  );
  expect(set).toEqual([]);
});
