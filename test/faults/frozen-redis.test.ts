import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const PEOPLE = 20;
const GRACE_MS = 1_000;

let redis: RedisServer;
let service: LatchkeyProcess;
let client: IdentityClient;
let dataDir: string;

beforeEach(async () => {
  redis = await RedisServer.start();
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-frozen-'));
  service = await LatchkeyProcess.start({
    LATCHKEY_REDIS_URL: redis.url,
    LATCHKEY_REFRESH_GRACE: `${GRACE_MS}ms`,
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
  });
  client = new IdentityClient(service.address);
});

afterEach(async () => {
  client.close();
  redis.thaw();
  await service.stop();
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The new refresh token, or the reason of the failure. */
async function refresh(token: string): Promise<string> {
  try {
    return (await client.refresh(token)).tokens?.refreshToken ?? '';
  } catch (error) {
    return String(error);
  }
}

test('a Redis that is frozen longer than the grace ends no session whose refresh is repeated', async () => {
  const logins = await Promise.all(
    Array.from({ length: PEOPLE }, () => client.login({ password: PASSWORD })),
  );
  // Every script has run once, so that Redis knows all scripts.
  const tokens = await Promise.all(logins.map(({ tokens }) => refresh(tokens?.refreshToken ?? '')));

  const frozenAt = performance.now();
  redis.freeze();
  const cancelledError = await Promise.all(tokens.map(refresh));
  for (const answer of cancelledError) expect(answer).toContain('UNAVAILABLE');
  await eventually(() => performance.now() - frozenAt > 2 * GRACE_MS, 10_000);
  redis.thaw();
  await redis.with((waking) => waking.ping());

  const repeated = async (token: string) => {
    let answer = '';
    await eventually(async () => {
      answer = await refresh(token);
      return !answer.includes('UNAVAILABLE');
    });
    return answer;
  };
  for (const answer of await Promise.all(tokens.map(repeated))) expect(answer).toMatch(/^lkr_/);
}, 60_000);
