import { expect, test } from '@jest/globals';
import { SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { eventually } from '../support/eventually.ts';
import { inLanes } from '../support/in-lanes.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SessionSite } from './support/session-site.ts';
import { SessionWatchCall } from './support/session-watch-call.ts';

const WATCHERS = 1_000;
/** The server allows 200 streams on a connection. */
const STREAMS_PER_CONNECTION = 100;

test('A thousand watchers all learn the end of their own session, and only that', async () => {
  const site = await SessionSite.open({}, new ManualClock());
  const { world } = site;
  const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };
  const clients = Array.from({ length: WATCHERS / STREAMS_PER_CONNECTION }, () =>
    site.client(SessionServiceClient, ownConnection),
  );
  const opened = await Promise.all(Array.from({ length: WATCHERS }, () => world.open(world.addUser())));
  await world.settle();
  const streams = opened.map(({ tokens }, index) => {
    const client = clients[index % clients.length] as SessionServiceClient;
    return new SessionWatchCall(client, tokens.accessToken);
  });
  await Promise.all(streams.map((stream) => stream.alive()));
  expect(world.watchers.size).toBe(WATCHERS);

  const ending = opened.slice(0, WATCHERS / 2);
  await inLanes(ending, ({ session: { userId, sessionId } }) =>
    world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', { kind: 'operator' }),
  );
  await eventually(() => streams.filter(({ outcome }) => outcome !== undefined).length === ending.length);
  const told = streams.map(({ last }) => (last?.event?.$case === 'ended' ? last.event.value.sessionId : ''));
  expect(told).toEqual([
    ...ending.map(({ session }) => session.sessionId),
    ...Array.from({ length: WATCHERS / 2 }, () => ''),
  ]);
  expect(world.watchers.size).toBe(WATCHERS / 2);
  await site.close();
  expect(world.watchers.size).toBe(0);
}, 60_000);
