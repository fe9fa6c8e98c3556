import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { endOthers, populate } from '../../scripts/bench/servers/population.ts';
import { type Redis, startRedis } from '../../scripts/bench/servers/redis.ts';
import { closeRedis, openRedis, type RedisClient } from '../../src/adapters/redis/connection.ts';
import { RedisSessionStore } from '../../src/adapters/redis/redis-session-store.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { RefreshTokens } from '../../src/core/session/refresh-token.ts';
import { systemClock } from '../../src/telemetry/clock.ts';

const masterKey = Buffer.alloc(32, 7);
const userIds = ['01980000-0000-7000-8000-000000000001', '01980000-0000-7000-8000-000000000002'];
let redis: Redis;
let client: RedisClient;

beforeAll(async () => {
  redis = await startRedis(tmpdir());
  client = await openRedis(
    { kind: 'single', node: { host: '127.0.0.1', port: redis.port }, db: 0, tls: false },
    { name: 'test', deadlineMs: 5_000, onDown: () => {}, onUp: () => {} },
  );
});
afterAll(async () => {
  closeRedis(client);
  await redis.stop();
});

/** As much of a stand as is asked for. */
function stand() {
  return { redis, site: { masterKey }, people: { userIds: async () => userIds } };
}

describe('a store that is filled', () => {
  test('holds every session, and the used ones can be refreshed, each by its own token', async () => {
    const { refreshTokens, bytesPerSession } = await populate(stand(), 2_000, 100);
    const grants = refreshTokens.map((token) =>
      new RefreshTokens([new MasterKeys([masterKey]).newest.refreshMac]).verify(token),
    );
    expect(new Set(grants.map((grant) => grant?.sessionId)).size).toBe(100);
    expect(new Set(grants.map((grant) => grant?.userId))).toEqual(new Set(userIds));

    const store = new RedisSessionStore({
      ...{ commands: client, endings: client, durability: { waitReplicas: 0, waitMs: 0 } },
      ...{ deadlineMs: 5_000, clock: systemClock },
    });
    const policy = { refreshGraceMs: 30_000, idleTtlMs: 60_000, tombstoneTtlMs: 60_000 };
    const user = { clientId: '', securityVersion: 1, outdatedReason: 'PASSWORD_CHANGED' as const };
    for (const grant of grants) {
      if (grant === undefined) throw new Error('the token is none of ours');
      const outcome = await store.rotate({ ...grant, ...policy, ...user, now: Date.now() });
      expect(outcome.kind).toBe('rotated');
    }

    const hashes = await client.keys('lk:{*-*}');
    const fields = (await Promise.all(hashes.map((key) => client.hkeys(key)))).flat();
    expect(fields).toHaveLength(2_000);
    expect(bytesPerSession).toBeGreaterThan(150);
    expect(bytesPerSession).toBeLessThan(1_000);
  });

  test('has a log with as many endings as were asked for, the last one named', async () => {
    const { bytesPerEntry, lastRevision } = await endOthers(stand(), 1_500);
    expect(await client.xlen('lk:{revocations}')).toBe(1_500);
    const [last] = await client.xrevrange('lk:{revocations}', '+', '-', 'COUNT', 1);
    expect(last?.[0]).toBe(lastRevision);
    expect(bytesPerEntry).toBeGreaterThan(20);
  });
});
