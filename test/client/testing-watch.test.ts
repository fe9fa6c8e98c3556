import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { type TestLatchkey, testLatchkey } from '../../src/client/testing/index.ts';
import { LatchkeyError } from '../../src/client/transport/errors.ts';
import type { WatchSessionOptions } from '../../src/client/transport/session-watch.ts';

const T0 = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const OVER = { done: true, value: undefined };
const alive = {
  kind: 'alive',
  idleDeadline: new Date(T0 + 7 * DAY),
  absoluteDeadline: new Date(T0 + 30 * DAY),
};

function watching(latchkey: TestLatchkey, options: WatchSessionOptions) {
  const iterator = latchkey.client.watchSession(options)[Symbol.asyncIterator]();
  return { next: () => iterator.next(), close: () => iterator.return?.() };
}

describe('a watch of a test latchkey', () => {
  test('tells that the session is living, then when, why and by whom it ended', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId } = await latchkey.signIn();
    const watch = watching(latchkey, { token: accessToken });
    expect((await watch.next()).value).toEqual(alive);
    const next = watch.next();
    latchkey.clock.advance(1_000);
    latchkey.end((await latchkey.signIn()).sessionId);
    latchkey.end(sessionId, 'ENDED_BY_ADMIN');
    const end = { kind: 'ended', endReason: 'ENDED_BY_ADMIN', endedBy: 'OPERATOR' };
    expect((await next).value).toEqual({ ...end, endedAt: new Date(T0 + 1_000) });
    expect(await watch.next()).toEqual(OVER);
    const again = watching(latchkey, { token: accessToken });
    expect((await again.next()).value).toMatchObject(end);
    expect(await again.next()).toEqual(OVER);
  });

  test('tells the end of all sessions of the user', async () => {
    const latchkey = testLatchkey();
    const { accessToken, userId } = await latchkey.signIn();
    const watch = watching(latchkey, { token: accessToken });
    await watch.next();
    latchkey.endUser(userId, 'PASSWORD_CHANGED');
    expect((await watch.next()).value).toMatchObject({
      endReason: 'PASSWORD_CHANGED',
      endedBy: 'UNSPECIFIED',
    });
  });

  test('is interrupted while disconnected, misses no end, and asks for its token again', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId } = await latchkey.signIn();
    let asked = 0;
    const watch = watching(latchkey, {
      token: async () => {
        asked += 1;
        return accessToken;
      },
    });
    expect((await watch.next()).value).toEqual(alive);
    latchkey.disconnect();
    const interrupted = { kind: 'interrupted', error: { code: status.UNAVAILABLE } };
    expect((await watch.next()).value).toMatchObject(interrupted);
    latchkey.reconnect();
    expect((await watch.next()).value).toEqual(alive);
    latchkey.disconnect();
    latchkey.end(sessionId);
    expect((await watch.next()).value).toMatchObject(interrupted);
    latchkey.reconnect();
    expect((await watch.next()).value).toMatchObject({
      kind: 'ended',
      endReason: 'LOGGED_OUT',
      endedBy: 'USER',
    });
    expect(asked).toBe(3);
  });

  test('goes on after its token has expired, but cannot be opened with an expired or forged one', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId } = await latchkey.signIn();
    const watch = watching(latchkey, { token: accessToken });
    await watch.next();
    latchkey.clock.advance(DAY);
    const refused = {
      code: status.UNAUTHENTICATED,
      reason: 'CALLER_UNAUTHENTICATED',
      method: 'WatchSession',
    };
    for (const token of [accessToken, 'forged', undefined]) {
      await expect(watching(latchkey, { token }).next()).rejects.toMatchObject(refused);
    }
    latchkey.end(sessionId);
    expect((await watch.next()).value).toMatchObject({ kind: 'ended' });
  });

  test('tells the end that a refresh for its token reports', async () => {
    const metadata = { end_reason: 'IDLE' };
    const ended = new LatchkeyError(status.UNAUTHENTICATED, 'ended', { reason: 'SESSION_ENDED', metadata });
    const watch = watching(testLatchkey(), { token: () => Promise.reject(ended) });
    expect((await watch.next()).value).toMatchObject({ kind: 'ended', endReason: 'IDLE' });
    expect(await watch.next()).toEqual(OVER);
  });

  test('ends when it is closed, aborted, or its client is closed', async () => {
    const latchkey = testLatchkey();
    const { accessToken: token } = await latchkey.signIn();
    const [closed, left] = [watching(latchkey, { token }), watching(latchkey, { token })];
    const aborter = new AbortController();
    const aborted = watching(latchkey, { token, signal: aborter.signal });
    for (const watch of [closed, left, aborted]) await watch.next();
    await closed.close();
    expect(await closed.next()).toEqual(OVER);
    aborter.abort();
    const cancelled = { code: status.CANCELLED };
    await expect(aborted.next()).rejects.toMatchObject(cancelled);
    await latchkey.client.close();
    await expect(left.next()).rejects.toMatchObject(cancelled);
    await expect(watching(latchkey, { token }).next()).rejects.toMatchObject(cancelled);
  });
});
