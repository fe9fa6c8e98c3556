import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DurabilityOptions } from '../../src/adapters/redis/durability.ts';
import type { Session } from '../../src/core/session/session.ts';
import { outcomeOf } from '../support/failing.ts';
import { inLanes } from '../support/in-lanes.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aSession, atMost, DAY, HOUR } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/**
 * If a primary dies on the machine of its replica, nothing is lost, because the kernel still delivers its writes. So
 * there is a line of 20 ms between them, which is cut at the same instant. Data on the line is lost, as when a machine
 * dies.
 */

const SESSIONS = 5_000;
const ENOUGH = 1_000;
const LINE_MS = 20;

let primary: RedisServer;
let replica: RedisServer;
let line: TcpProxy;

beforeEach(async () => {
  primary = await RedisServer.start();
  line = await TcpProxy.open(primary.port, { delayMs: LINE_MS });
  replica = await RedisServer.startReplica(line.port);
}, 30_000);

afterEach(async () => {
  await line.close();
  await replica.stop();
  await primary.stop();
});

interface Loss {
  readonly acknowledged: number;
  readonly records: number;
  readonly entries: number;
}

/** Ends sessions until the primary dies, and counts acknowledged ends that were lost. */
async function failOver(durability: DurabilityOptions): Promise<Loss> {
  const now = Date.now();
  const stores = await RedisStores.open(singleRedis(primary.port), { durability });
  const sessions = Array.from({ length: SESSIONS }, () => aSession(now));
  await inLanes(sessions, async (session) => {
    const request = { session, ...atMost(50), tombstoneTtlMs: DAY, now };
    await stores.sessions.create(request);
  });
  await replica.following();

  const acknowledged: Session[] = [];
  let death: Promise<unknown> | undefined;
  await inLanes(sessions, async (session) => {
    if (death !== undefined) return;
    const { userId, sessionId } = session;
    const how = { userId, sessionId, reason: 'LOGGED_OUT', now } as const;
    const ending = stores.sessions
      .end({ ...how, tombstoneTtlMs: DAY })
      .then(() => stores.log.append({ kind: 'session', ...how, endedAt: now, expiresAt: now + HOUR }, now));
    if ((await outcomeOf(ending)) !== 'ok') return;
    acknowledged.push(session);
    if (acknowledged.length === ENOUGH) death = Promise.all([line.close(), primary.kill()]);
  });
  await death;
  stores.close();
  await replica.promote();
  return { acknowledged: acknowledged.length, ...(await missingOf(acknowledged)) };
}

async function missingOf(acknowledged: readonly Session[]) {
  const survivor = await RedisStores.open(singleRedis(replica.port));
  const logged = new Set<string>();
  let position: string | undefined;
  for (;;) {
    const entries = await survivor.log.read(position, 0);
    for (const { revision, revocation } of entries) {
      position = revision;
      if (revocation.kind === 'session') logged.add(revocation.sessionId);
    }
    if (entries.length === 0) break;
  }
  let records = 0;
  await inLanes(acknowledged, async ({ userId, sessionId }) => {
    const found = await survivor.sessions.read(userId, sessionId, Date.now());
    if (found.kind !== 'ended') records += 1;
  });
  survivor.close();
  return { records, entries: acknowledged.filter(({ sessionId }) => !logged.has(sessionId)).length };
}

describe('a failover to a replica that is behind', () => {
  test('loses acknowledged ends, if no replica was waited for', async () => {
    const loss = await failOver({ waitReplicas: 0, waitMs: 300 });
    expect(loss.acknowledged).toBeGreaterThanOrEqual(ENOUGH);
    expect(loss.records).toBeGreaterThan(0);
    expect(loss.entries).toBeGreaterThan(0);
  }, 60_000);

  test('loses none of them if one replica was waited for', async () => {
    const { acknowledged, ...lost } = await failOver({ waitReplicas: 1, waitMs: 300 });
    expect(acknowledged).toBeGreaterThanOrEqual(ENOUGH);
    expect(lost).toEqual({ records: 0, entries: 0 });
  }, 60_000);
});
