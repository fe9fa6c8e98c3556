import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RefreshResponse } from '../../src/gen/latchkey/v1/identity.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const SERVERS = 3;
const ROUNDS = 50;
const REFRESHES = 200;

let redis: RedisServer;
let dataDir: string;
const servers: LatchkeyProcess[] = [];
const clients: IdentityClient[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-fire-'));
  for (let count = 0; count < SERVERS; count += 1) {
    const server = await LatchkeyProcess.start({
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    });
    servers.push(server);
    clients.push(new IdentityClient(server.address));
  }
}, 60_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(servers.map((server) => server.stop()));
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const UNAVAILABLE = 14;
const client = (index: number) => clients[index % clients.length] as IdentityClient;

const PATIENCE_MS = 20_000;

/** Repeats a refresh that was UNAVAILABLE, as clients do: a busy machine may exceed the deadline of a store step. */
async function refreshed(index: number, refreshToken: string): Promise<RefreshResponse> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await client(index).refresh(refreshToken);
    } catch (error) {
      if ((error as ServiceError).code !== UNAVAILABLE || performance.now() > until) throw error;
    }
  }
}

describe('rotation under load, in several processes on one Redis', () => {
  test('gives one successor to 200 concurrent refreshes, in every round, without false reuse', async () => {
    let { tokens, session } = await client(0).login({ password: PASSWORD });
    for (let round = 0; round < ROUNDS; round += 1) {
      const refreshToken = tokens?.refreshToken ?? '';
      const answers = await Promise.all(
        Array.from({ length: REFRESHES }, (_, index) => refreshed(index, refreshToken)),
      );
      const successors = new Set(answers.map((answer) => answer.tokens?.refreshToken));
      expect(successors.size).toBe(1);
      expect(successors).not.toContain(refreshToken);
      ({ tokens, session } = answers[0] ?? { tokens: undefined, session: undefined });
    }
    const { verdict } = await client(1).validate(tokens?.accessToken ?? '');
    expect(verdict).toMatchObject({ $case: 'identity', value: { sessionId: session?.sessionId } });
  }, 120_000);

  test('refuses an old token, and the session has ended in every process', async () => {
    const { tokens } = await client(0).login({ password: PASSWORD });
    const first = tokens?.refreshToken ?? '';
    const second = await client(1).refresh(first);
    const third = await client(2).refresh(second.tokens?.refreshToken ?? '');
    await expect(client(0).refresh(first)).rejects.toMatchObject({ code: 16 });
    for (const [index] of servers.entries()) {
      await expect(client(index).refresh(third.tokens?.refreshToken ?? '')).rejects.toMatchObject({
        code: 16,
      });
      await eventually(async () => {
        const { verdict } = await client(index).validate(third.tokens?.accessToken ?? '');
        return verdict?.$case === 'rejection';
      });
    }
  }, 60_000);

  test('makes a logout of one process effective in every other at its revision', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { tokens } = await client(round).login({ password: PASSWORD });
      const accessToken = tokens?.accessToken ?? '';
      await Promise.all(clients.map((each) => each.validate(accessToken)));
      const { revision } = await client(round).logout({ $case: 'accessToken', value: accessToken });
      const answers = await Promise.all(
        clients.map((each) => each.validate(accessToken, { atLeastRevision: revision })),
      );
      for (const { verdict } of answers) expect(verdict?.$case).toBe('rejection');
    }
  }, 60_000);
});
