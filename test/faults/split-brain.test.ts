import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisSentinels } from '../support/redis-sentinels.ts';

/** One server is cut off with the old master. Another one uses the new master. */

const PASSWORD = 'correct horse battery';
const MAX_STALENESS_MS = 1_000;

let redis: RedisSentinels;
let dataDir: string;
const opened: (() => unknown)[] = [];

beforeEach(async () => {
  redis = await RedisSentinels.start();
  opened.push(() => redis.stop());
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-split-brain-'));
  opened.push(() => rmSync(dataDir, { recursive: true, force: true }));
}, 60_000);

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start(redisUrl: string, waitReplicas: number): Promise<IdentityClient> {
  const service = await LatchkeyProcess.start({
    LATCHKEY_REDIS_URL: redisUrl,
    LATCHKEY_REDIS_WAIT_REPLICAS: String(waitReplicas),
    LATCHKEY_MAX_STALENESS: `${MAX_STALENESS_MS}ms`,
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
  });
  opened.push(() => service.stop());
  const client = new IdentityClient(service.address);
  opened.push(() => client.close());
  return client;
}

interface Look {
  /** `identity`, `rejection`, or the name of a gRPC status. */
  readonly outcome: string;
  readonly asOf: number;
}

async function look(
  client: IdentityClient,
  token: string,
  how: Partial<ValidateRequest> = {},
): Promise<Look> {
  try {
    const { verdict, asOf } = await client.validate(token, how);
    return { outcome: String(verdict?.$case), asOf: asOf?.getTime() ?? 0 };
  } catch (error) {
    return { outcome: status[(error as { code: number }).code] ?? 'none', asOf: 0 };
  }
}

/** Signs in, cuts off the old master and the first server, and signs out at the second one. */
async function signOutElsewhere(waitReplicas: number) {
  const cutOff = await start(redis.master.url, waitReplicas);
  const connected = await start(redis.url, waitReplicas);
  const { tokens } = await cutOff.login({ password: PASSWORD });
  const token = tokens?.accessToken ?? '';
  for (const client of [cutOff, connected]) {
    await eventually(async () => (await look(client, token)).outcome === 'identity');
  }
  await redis.following();
  redis.isolateMaster();
  await redis.failedOver();
  let revision = '';
  await eventually(async () => {
    const answer = await connected.logout({ $case: 'accessToken', value: token }).catch(() => undefined);
    revision = answer?.revision ?? '';
    return answer !== undefined;
  }, 20_000);
  return { cutOff, connected, token, revision, endedAt: Date.now() };
}

describe('a server that is cut off with an old master', () => {
  test('accepts an ended token only until its bound, and then answers UNAVAILABLE', async () => {
    const { cutOff, connected, token, revision, endedAt } = await signOutElsewhere(1);
    expect((await look(connected, token)).outcome).toBe('rejection');

    expect(await look(cutOff, token, { consistency: Consistency.STRONG })).toMatchObject({
      outcome: 'UNAVAILABLE',
    });
    expect(await look(cutOff, token, { atLeastRevision: revision })).toMatchObject({
      outcome: 'UNAVAILABLE',
    });
    const looks: Look[] = [];
    await eventually(async () => {
      looks.push(await look(cutOff, token));
      return looks.slice(-20).filter(({ outcome }) => outcome === 'UNAVAILABLE').length === 20;
    }, 10_000);
    for (const { outcome, asOf } of looks) {
      if (outcome === 'identity') expect(asOf).toBeLessThan(endedAt);
      else expect(outcome).toBe('UNAVAILABLE');
    }
    expect(Date.now() - endedAt).toBeLessThan(10_000);
  }, 90_000);

  test('keeps accepting if it waits for no replica', async () => {
    const { cutOff, token, endedAt } = await signOutElsewhere(0);
    await eventually(async () => {
      const { outcome, asOf } = await look(cutOff, token);
      expect(outcome).toBe('identity');
      return asOf > endedAt + 1_000;
    }, 10_000);
    expect(await look(cutOff, token, { consistency: Consistency.STRONG })).toMatchObject({
      outcome: 'identity',
    });
  }, 90_000);
});
