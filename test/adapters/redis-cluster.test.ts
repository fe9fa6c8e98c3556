import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { auditOutboxLaw } from '../conformance/audit-outbox.ts';
import { devicePolicyLaw } from '../conformance/device-policy.ts';
import { loginAttemptsLaw } from '../conformance/login-attempts.ts';
import { outdatedSessionsLaw } from '../conformance/outdated-sessions.ts';
import { passedDeadlinesLaw } from '../conformance/passed-deadlines.ts';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { sessionLimitLaw } from '../conformance/session-limit.ts';
import { sessionListLaw } from '../conformance/session-list.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { shortenedSessionsLaw } from '../conformance/shortened-sessions.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { RedisStores } from '../support/redis-stores.ts';
import { aSession, atMost, DAY, ids } from '../support/sessions.ts';

let cluster: RedisCluster;
let stores: RedisStores;

beforeAll(async () => {
  cluster = await RedisCluster.start();
  stores = await RedisStores.open(cluster.address);
}, 60_000);

afterAll(async () => {
  stores.close();
  await cluster.stop();
});

sessionStoreLaw('Redis Cluster', () => stores.sessions);
sessionLimitLaw('Redis Cluster', () => stores.sessions);
loginAttemptsLaw('Redis Cluster', () => stores.attempts);
sessionListLaw('Redis Cluster', () => stores.sessions);
passedDeadlinesLaw('Redis Cluster', () => stores.sessions);
devicePolicyLaw('Redis Cluster', () => stores.sessions);
outdatedSessionsLaw('Redis Cluster', () => stores.sessions);
shortenedSessionsLaw('Redis Cluster', () => stores.sessions);

revocationLogLaw('Redis Cluster', async () => {
  await cluster.flush();
  const opened = await RedisStores.open(cluster.address);
  return {
    log: opened.log,
    close: async () => opened.close(),
  };
});

auditOutboxLaw('Redis Cluster', async (maxBacklog) => {
  await cluster.flush();
  const opened = await RedisStores.open(cluster.address, { maxBacklog });
  return { outbox: opened.outbox, close: () => opened.close() };
});

test('a ping for a user fails exactly if the primary of this user takes no writes', async () => {
  const { sessions } = stores;
  const now = Date.now();
  const outcomes: string[] = [];
  await cluster.nodes[0]?.with((redis) => redis.config('SET', 'maxmemory', '1'));
  for (let count = 0; count < 30; count += 1) {
    const session = aSession(now, { userId: ids.next(now) });
    const created = sessions.create({
      ...{ session, ...atMost(50), tombstoneTtlMs: DAY, now },
    });
    const outcome = await outcomeOf(created);
    expect(await outcomeOf(sessions.ping(session.userId))).toBe(outcome);
    outcomes.push(outcome);
  }
  await cluster.nodes[0]?.with((redis) => redis.config('SET', 'maxmemory', '0'));
  expect(new Set(outcomes)).toEqual(new Set(['ok', 'STORE_UNAVAILABLE']));
});
