import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RevocationLog } from '../../src/core/revocation/revocation-log.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { HOUR, ids } from '../support/sessions.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.stop());

const open = async () => {
  await server.with((redis) => redis.flushall());
  const stores = await RedisStores.open(singleRedis(server.port));
  return {
    log: stores.log as RevocationLog,
    close: async () => {
      await stores.log.close();
      stores.close();
    },
  };
};

revocationLogLaw('Redis', open);

describe('the Redis revocation log', () => {
  const revocation = (now = Date.now()): Revocation => ({
    kind: 'session',
    userId: ids.next(now),
    sessionId: ids.next(now),
    reason: 'LOGGED_OUT',
    endedAt: now,
    expiresAt: now + HOUR,
  });

  test('detects that it was wiped, and has a new genesis', async () => {
    const { log, close } = await open();
    await log.inspect(undefined, 1_000);
    const position = await log.append(revocation(), 1_000);
    expect(await log.inspect(position, 2_000)).toEqual({ coveredSince: 1_000, continuous: true });
    await server.with((redis) => redis.flushall());
    expect(await log.inspect(position, 3_000)).toEqual({ coveredSince: 3_000, continuous: false });
    await close();
  });

  test('detects that it lost the entry it was read up to, although it has newer entries', async () => {
    const { log, close } = await open();
    await log.inspect(undefined, 1_000);
    await log.append(revocation(), 1_000);
    const lost = await log.append(revocation(), 1_000);
    await server.with((redis) => redis.xdel('lk:{revocations}', lost));
    await log.append(revocation(), 1_000);
    expect(await log.inspect(lost, 2_000)).toEqual({ coveredSince: 1_000, continuous: false });
    await close();
  });
});
