import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions, LatchkeyClient } from '../../src/client/transport/latchkey-client.ts';
import { eventOf, type SessionAlive, type SessionEvent } from '../../src/client/transport/session-events.ts';
import type { SessionWatch } from '../../src/client/transport/session-watch.ts';
import type { User } from '../../src/core/user/user.ts';
import { SessionSite } from '../grpc/support/session-site.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MINUTE } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const ACTOR = { kind: 'operator' } as const;

let clock: ManualClock;
let here: SessionSite;
let elsewhere: SessionSite;
let proxy: TcpProxy;
let clients: LatchkeyClient[];
let ada: User;

beforeEach(async () => {
  clock = new ManualClock();
  clients = [];
  ({ here, elsewhere } = await SessionSite.openTwo(clock));
  proxy = await TcpProxy.open(portOf(here));
  ada = here.world.addUser();
  await settle();
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await proxy.close();
  await here.close();
  await elsewhere.close();
});

function portOf({ address }: SessionSite): number {
  return Number(address.split(':').at(-1));
}

async function settle(): Promise<void> {
  await here.world.settle(1_000);
  await elsewhere.world.settle(0);
}

function connected(
  address: string | readonly string[] = `127.0.0.1:${proxy.port}`,
  options: ConnectOptions = {},
): LatchkeyClient {
  const client = connect(address, { credentials: { kind: 'plaintext' }, mode: 'remote', ...options });
  clients.push(client);
  return client;
}

async function signIn(user = ada) {
  const { session, tokens } = await here.world.open(user);
  await settle();
  return { ...session, ...tokens };
}

function end({ userId, sessionId }: { readonly userId: string; readonly sessionId: string }) {
  return elsewhere.world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', ACTOR);
}

/** The events of a watch as they come. `over`: how the iteration ended. */
function recorded(watch: SessionWatch) {
  const record: { events: SessionEvent[]; over: unknown } = { events: [], over: undefined };
  const run = async () => {
    for await (const event of watch) record.events.push(event);
  };
  run().then(
    () => {
      record.over = 'done';
    },
    (error: unknown) => {
      record.over = error;
    },
  );
  return record;
}

const kinds = ({ events }: { readonly events: readonly SessionEvent[] }) => events.map(({ kind }) => kind);
const refused = { code: status.UNAUTHENTICATED, reason: 'CALLER_UNAUTHENTICATED', method: 'WatchSession' };
const cancelled = { code: status.CANCELLED, method: 'WatchSession' };

describe('watchSession', () => {
  test('tells that the session is living, then its end, and is done', async () => {
    const session = await signIn();
    const record = recorded(connected().watchSession({ token: session.accessToken }));
    await eventually(() => record.events.length > 0);
    await end(session);
    await eventually(() => record.over !== undefined);
    expect(record).toEqual({
      events: [
        {
          kind: 'alive',
          idleDeadline: new Date(session.idleDeadline),
          absoluteDeadline: new Date(session.absoluteDeadline),
        },
        {
          kind: 'ended',
          endReason: 'ENDED_BY_ADMIN',
          endedAt: new Date(clock.now()),
          endedBy: 'OPERATOR',
        },
      ],
      over: 'done',
    });
  });

  test("watches the client's own session by default", async () => {
    const { accessToken } = await signIn();
    const record = recorded(connected(undefined, { token: accessToken }).watchSession());
    await eventually(() => kinds(record).includes('alive'));
  });

  test('says that it is interrupted while the connection is lost, and then what happened meanwhile', async () => {
    const session = await signIn();
    const record = recorded(connected().watchSession({ token: session.accessToken }));
    await eventually(() => record.events.length === 1);
    proxy.reset();
    await eventually(() => record.events.length === 3, 10_000);
    expect(kinds(record)).toEqual(['alive', 'interrupted', 'alive']);
    expect(record.events[1]).toMatchObject({ error: { code: status.UNAVAILABLE } });
    const { target } = proxy;
    proxy.target = 1;
    proxy.reset();
    await eventually(() => record.events.length === 4);
    await end(session);
    proxy.target = target;
    await eventually(() => record.over !== undefined, 20_000);
    expect(kinds(record).slice(3)).toEqual(['interrupted', 'ended']);
  }, 30_000);

  test('goes on at another address when a service stops', async () => {
    const session = await signIn();
    const client = connected([here.address, elsewhere.address]);
    const record = recorded(client.watchSession({ token: session.accessToken }));
    await eventually(() => record.events.length === 1);
    const first = here.world.watchers.size === 1 ? here : elsewhere;
    await first.drain();
    await eventually(() => kinds(record).filter((kind) => kind === 'alive').length === 2, 10_000);
    await end(session);
    await eventually(() => record.over === 'done');
  }, 30_000);

  test('asks for the token again for each stream, because the first may have expired', async () => {
    const session = await signIn();
    let { accessToken } = session;
    let asked = 0;
    const token = async () => {
      asked += 1;
      return accessToken;
    };
    const record = recorded(connected().watchSession({ token }));
    await eventually(() => record.events.length === 1);
    clock.advance(20 * MINUTE);
    await settle();
    accessToken = (await here.world.refresh(session.refreshToken)).tokens.accessToken;
    proxy.reset();
    await eventually(() => record.events.length === 3, 10_000);
    expect(asked).toBeGreaterThan(1);
    expect(record.over).toBeUndefined();
  }, 20_000);

  test('tells the end that a failed refresh tells', async () => {
    const { accessToken, refreshToken, ...session } = await signIn();
    await end(session);
    const client = connected();
    const token = async () => (await client.refresh({ refreshToken })).tokens.accessToken;
    const record = recorded(client.watchSession({ token }));
    await eventually(() => record.over !== undefined);
    expect(record.events).toMatchObject([{ kind: 'ended', endReason: 'ENDED_BY_ADMIN' }]);
    expect(accessToken).not.toBe('');
  });

  test('fails if the token is refused, after asking a function for another one', async () => {
    const client = connected();
    let asked = 0;
    const records = [
      recorded(client.watchSession({ token: 'x' })),
      recorded(client.watchSession({ token: () => `x${asked++}` })),
    ];
    await eventually(() => records.every(({ over }) => over !== undefined));
    expect(records).toMatchObject([{ events: [], over: refused }, { over: refused }]);
    expect(asked).toBe(2);
  });

  test.each<[string, unknown]>([
    ['an unknown option', { tokn: 'x' }],
    ['a token that a header cannot carry', { token: 'a\nb' }],
    ['a function that throws', { token: () => JSON.parse('') }],
  ])('fails with INVALID_ARGUMENT for %s', async (_, options) => {
    const record = recorded(connected().watchSession(options as object));
    await eventually(() => record.over !== undefined);
    expect(record.over).toMatchObject({ code: status.INVALID_ARGUMENT, method: 'WatchSession' });
  });

  test('gives a slow iterator only the latest event', async () => {
    const session = await signIn();
    const iterator = connected().watchSession({ token: session.accessToken })[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { kind: 'alive' } });
    proxy.reset();
    await eventually(() => here.world.watchers.size === 0);
    await eventually(() => here.world.watchers.size === 1);
    await end(session);
    await eventually(() => here.world.watchers.size === 0);
    await eventually(() => proxy.connections === 0);
    expect(await iterator.next()).toMatchObject({ value: { kind: 'ended' } });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a watch ends', () => {
  const watching = async (options: { readonly signal?: AbortSignal } = {}) => {
    const { accessToken } = await signIn();
    const client = connected();
    const watch = client.watchSession({ token: accessToken, ...options });
    const record = recorded(watch);
    await eventually(() => record.events.length === 1);
    return { client, watch, record };
  };
  /** No stream and no connection is left. */
  const gone = async () => {
    await eventually(() => here.world.watchers.size === 0);
    await eventually(() => proxy.connections === 0);
  };

  test('quietly with `close`', async () => {
    const { watch, record } = await watching();
    watch.close();
    await eventually(() => record.over === 'done');
    await gone();
  });

  test('quietly when the loop over it is left', async () => {
    const { accessToken } = await signIn();
    for await (const { kind } of connected().watchSession({ token: accessToken })) {
      expect(kind).toBe('alive');
      break;
    }
    await gone();
  });

  test('with CANCELLED when its signal is aborted, before or after it began', async () => {
    const abort = new AbortController();
    const { client, record } = await watching({ signal: abort.signal });
    abort.abort();
    await eventually(() => record.over !== undefined);
    const late = recorded(client.watchSession({ signal: abort.signal }));
    await eventually(() => late.over !== undefined);
    expect([record.over, late.over]).toMatchObject([cancelled, cancelled]);
    await gone();
  });

  test('with CANCELLED when its client is closed, and none begins after that', async () => {
    const { client, record } = await watching();
    await client.close();
    await gone();
    const late = recorded(client.watchSession({ token: 'x' }));
    await eventually(() => record.over !== undefined && late.over !== undefined);
    expect([record.over, late.over]).toMatchObject([cancelled, cancelled]);
  });

  test('also while no service can be reached', async () => {
    proxy.silence();
    const watch = connected().watchSession({ token: 'x' });
    const record = recorded(watch);
    await eventually(() => proxy.connections > 0);
    watch.close();
    await eventually(() => record.over === 'done');
    proxy.speak();
    await eventually(() => proxy.connections === 0);
  });
});

test('Hundreds of watches do not keep calls waiting', async () => {
  const client = connected();
  const sessions = await Promise.all(
    Array.from({ length: 250 }, () => here.world.open(here.world.addUser())),
  );
  await settle();
  const records = sessions.map(({ tokens }) => recorded(client.watchSession({ token: tokens.accessToken })));
  await eventually(() => records.every(({ events }) => events.length === 1), 10_000);
  const [first] = sessions;
  const options = { token: first?.tokens.accessToken ?? '', timeoutMs: 2_000 };
  const { sessions: listed } = await client.sessions.listSessions({}, options);
  expect(listed).toHaveLength(1);
  // One connection for the calls, and one for each hundred watches.
  expect(proxy.connections).toBe(4);
}, 30_000);

describe('a message', () => {
  const alive: SessionAlive = { kind: 'alive', idleDeadline: new Date(1), absoluteDeadline: new Date(2) };

  test('with a time and no event says that the session is living still', () => {
    expect(eventOf({ event: undefined, asOf: new Date(3) }, alive)).toBe(alive);
    expect(eventOf({ event: undefined, asOf: new Date(3) }, undefined)).toBeUndefined();
  });

  test('without a time says that the watch is interrupted', () => {
    const interrupted = { kind: 'interrupted', error: undefined };
    expect(eventOf({ event: undefined, asOf: undefined }, alive)).toEqual(interrupted);
  });

  test('with values of a newer service is understood as far as possible', () => {
    const unknown = { endReason: 99 as never, endedBy: 99 as never };
    const value = { sessionId: 's', endedAt: undefined, operatorUsername: '', ...unknown };
    expect(eventOf({ event: { $case: 'ended', value }, asOf: undefined }, alive)).toEqual({
      ...{ kind: 'ended', endReason: 'UNSPECIFIED', endedAt: undefined, endedBy: 'UNSPECIFIED' },
    });
  });
});
