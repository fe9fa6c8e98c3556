import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addRevocations, populate } from '../../scripts/bench/servers/population.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { RefreshTokens } from '../../src/core/session/refresh-token.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';

const masterKey = Buffer.alloc(32, 7);
const userIds = ['01980000-0000-7000-8000-000000000001', '01980000-0000-7000-8000-000000000002'];
const people = userIds.map((userId) => ({ userId }));
let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

describe('a filled store', () => {
  test('contains every session, and the used ones can be refreshed with their own token', async () => {
    const { refreshTokens, bytesPerSession } = await populate({ redis, masterKey, people }, 2_000, 100);
    const grants = refreshTokens.map((token) =>
      new RefreshTokens([new MasterKeys([masterKey]).newest.refreshMac]).verify(token),
    );
    expect(new Set(grants.map((grant) => grant?.sessionId)).size).toBe(100);
    expect(new Set(grants.map((grant) => grant?.userId))).toEqual(new Set(userIds));

    const stores = await RedisStores.open(singleRedis(redis.port));
    const policy = { refreshGraceMs: 30_000, idleTtlMs: 60_000, tombstoneTtlMs: 60_000 };
    const user = {
      clientId: '',
      ipAddress: '',
      securityVersion: 1,
      outdatedReason: 'PASSWORD_CHANGED' as const,
    };
    for (const grant of grants) {
      if (grant === undefined) throw new Error('the token is none of ours');
      const outcome = await stores.sessions.rotate({ ...grant, ...policy, ...user, now: Date.now() });
      expect(outcome.kind).toBe('rotated');
    }

    stores.close();

    const fields = await redis.with(async (client) => {
      const hashes = await client.keys('lk:{*-*}');
      return (await Promise.all(hashes.map((key) => client.hkeys(key)))).flat();
    });
    expect(fields).toHaveLength(2_000);
    expect(bytesPerSession).toBeGreaterThan(150);
    expect(bytesPerSession).toBeLessThan(1_000);
  });

  test('has a log with the requested number of revocations, the last one named', async () => {
    const { bytesPerEntry, lastRevision } = await addRevocations({ redis, masterKey, people }, 1_500);
    const log = await redis.with((client) => client.xrevrange('lk:{revocations}', '+', '-'));
    expect(log).toHaveLength(1_500);
    expect(log[0]?.[0]).toBe(lastRevision);
    expect(bytesPerEntry).toBeGreaterThan(20);
  });
});
