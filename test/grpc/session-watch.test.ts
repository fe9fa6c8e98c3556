import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { User } from '../../src/core/user/user.ts';
import { EndedBy, EndReason, SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { DAY, MINUTE } from '../support/sessions.ts';
import { claimsAt, TestKey } from '../support/test-keys.ts';
import { SessionSite } from './support/session-site.ts';
import { SessionWatchCall } from './support/session-watch-call.ts';

const SECOND = { seconds: 1, nanos: 0 };
const ACTOR = { kind: 'operator' } as const;

let clock: ManualClock;
let store: MemorySessionStore;
let key: TestKey;
let here: SessionSite;
let elsewhere: SessionSite;
let ada: User;

beforeEach(async () => {
  clock = new ManualClock();
  store = new MemorySessionStore(clock);
  key = await TestKey.make();
  const watchLimits = { session: 2, user: 10, server: 10 };
  ({ here, elsewhere } = await SessionSite.openTwo(clock, { store, key, watchLimits }));
  ada = here.world.addUser();
  await settle();
});

afterEach(async () => {
  await here.close();
  await elsewhere.close();
});

async function settle(): Promise<void> {
  await here.world.settle(1_000);
  await elsewhere.world.settle(0);
}

async function signIn(user = ada, deviceId = '') {
  clock.advance(1_000);
  const { session, tokens } = await here.world.open(user, { deviceId });
  await settle();
  return { ...session, token: tokens.accessToken, refreshToken: tokens.refreshToken };
}

function watch(token: string, site = here): SessionWatchCall {
  return new SessionWatchCall(site.client(SessionServiceClient), token, SECOND);
}

describe('WatchSession', () => {
  test('says first that the session is living and when it ends, then when and why it has ended', async () => {
    const { sessionId, userId, idleDeadline, absoluteDeadline, token } = await signIn();
    const stream = await watch(token).alive();
    const deadlines = {
      idleDeadline: new Date(idleDeadline),
      absoluteDeadline: new Date(absoluteDeadline),
    };
    expect(stream.messages).toEqual([
      { event: { $case: 'alive', value: deadlines }, asOf: new Date(clock.now()) },
    ]);
    expect(here.world.watchers.size).toBe(1);
    await elsewhere.world.control.end(userId, sessionId, 'ENDED_BY_USER', ACTOR);
    expect(await stream.ended()).toEqual({ ok: 'end' });
    const value = {
      sessionId,
      endReason: EndReason.ENDED_BY_USER,
      endedAt: new Date(clock.now()),
      endedBy: EndedBy.USER,
      operatorUsername: '',
    };
    expect(stream.messages.slice(1)).toEqual([{ event: { $case: 'ended', value }, asOf: undefined }]);
    expect(here.world.watchers.size).toBe(0);
  });

  test('goes on after the access token that opened it has expired', async () => {
    const { token, userId, sessionId } = await signIn();
    const stream = await watch(token).alive();
    clock.advance(20 * MINUTE);
    await settle();
    await eventually(() => stream.messages.length > 1);
    await elsewhere.world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', ACTOR);
    expect(await stream.endReason()).toBe('ENDED_BY_ADMIN');
  });

  test('sends an end at a deadline, which nobody has written', async () => {
    const { token, idleDeadline } = await signIn();
    const stream = await watch(token).alive();
    clock.advance(idleDeadline - clock.now());
    expect(await stream.endReason()).toBe('IDLE');
    expect(stream.last?.event).toMatchObject({
      value: { endedAt: new Date(idleDeadline), endedBy: EndedBy.SERVICE },
    });
  });

  test('sends the new deadlines when the old one passes after a refresh on another server', async () => {
    const { token, refreshToken, idleDeadline } = await signIn();
    const stream = await watch(token).alive();
    clock.advance(DAY);
    elsewhere.world.users.set(ada.userId, ada);
    const { session } = await elsewhere.world.refresh(refreshToken);
    clock.advance(idleDeadline - clock.now());
    await eventually(() => stream.last?.event?.$case === 'alive' && stream.messages.length > 1);
    expect(stream.last?.event).toMatchObject({ value: { idleDeadline: new Date(session.idleDeadline) } });
    stream.cancel();
  });

  test('opened after the end tells the reason, also when it was opened anew after a drain', async () => {
    const { token, userId, sessionId } = await signIn();
    const stream = await watch(token).alive();
    await here.drain();
    expect(await stream.ended()).toMatchObject({ code: status.UNAVAILABLE, reason: 'DRAINING' });
    await here.world.control.end(userId, sessionId, 'ENDED_BY_USER', ACTOR);
    expect(await watch(token, elsewhere).endReason()).toBe('ENDED_BY_USER');
  });

  test('leaves no watcher behind when the caller cancels', async () => {
    const { token } = await signIn();
    (await watch(token).alive()).cancel();
    await eventually(() => here.world.watchers.size === 0);
    expect(here.environment.callMetrics.calls).toContain(`WatchSession ${status.CANCELLED}`);
  });

  test('tells nothing of a session that goes on when another one of the same user ends', async () => {
    const [kept, ended] = [await signIn(), await signIn()];
    const streams = [await watch(kept.token).alive(), await watch(ended.token).alive()] as const;
    await elsewhere.world.control.endOthers(ada.userId, kept.sessionId, ACTOR);
    expect(await streams[1].endReason()).toBe('ENDED_BY_USER');
    expect(streams[0].outcome).toBeUndefined();
    streams[0].cancel();
  });
});

describe('WatchSession refuses', () => {
  const REFUSED = { code: status.UNAUTHENTICATED, reason: 'CALLER_UNAUTHENTICATED' };

  test.each<[string, () => Promise<string>]>([
    ['no token', async () => ''],
    ['a forged token', async () => (await TestKey.make()).sign(claimsAt(clock.now()))],
    ['a token of another issuer', () => key.sign(claimsAt(clock.now(), { iss: 'https://other.test' }))],
    ['a token for another audience', () => key.sign(claimsAt(clock.now(), { aud: 'others' }))],
    ['an expired token', () => key.sign(claimsAt(clock.now() - DAY))],
  ])('%s, and reads no session for it', async (_, tokenOf) => {
    let reads = 0;
    const { read } = store;
    store.read = (...given) => {
      reads += 1;
      return read.apply(store, given);
    };
    expect(await watch(await tokenOf()).ended()).toMatchObject(REFUSED);
    expect([reads, here.world.watchers.size]).toEqual([0, 0]);
  });

  test.each([
    ['a heartbeat of less than a second', { seconds: 0, nanos: 999_999_999 }],
    ['a heartbeat of more than a minute', { seconds: 60, nanos: 1 }],
    ['a negative heartbeat', { seconds: -1, nanos: 0 }],
  ])('%s', async (_, heartbeat) => {
    const { token } = await signIn();
    const stream = new SessionWatchCall(here.client(SessionServiceClient), token, heartbeat);
    expect(await stream.ended()).toMatchObject({ reason: 'INVALID_FIELD', fields: ['heartbeat_interval'] });
  });

  test('one stream too many of a session, and says when to try again', async () => {
    const { token } = await signIn();
    const streams = [await watch(token).alive(), await watch(token).alive()];
    expect(await watch(token).ended()).toMatchObject({
      ...{ code: status.RESOURCE_EXHAUSTED, reason: 'TOO_MANY_WATCHES', metadata: { limit: 'session' } },
      retryAfterMs: 10_000,
    });
    for (const stream of streams) stream.cancel();
    await eventually(() => here.world.watchers.size === 0);
    (await watch(token).alive()).cancel();
  });

  test('to start while the session store does not answer, and leaves no watcher behind', async () => {
    const { token } = await signIn();
    const { read } = store;
    store.read = () => Promise.reject(new Error('no answer'));
    expect(await watch(token).ended()).toMatchObject({ code: status.INTERNAL });
    expect(here.world.watchers.size).toBe(0);
    store.read = read;
  });
});
