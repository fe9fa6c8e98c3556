import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openPostgres } from '../../src/adapters/sql/postgres.ts';
import { connect } from '../../src/client/index.ts';
import { produceUnderKills } from '../support/audit-kills.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { PostgresServer } from '../support/postgres.ts';
import { RedisServer } from '../support/redis-server.ts';

/** The long form of `test/e2e/audit.test.ts`, on PostgreSQL. */

const PASSWORD = 'correct horse battery';
const SESSIONS = 40;
const AWAY_MS = 60_000;

let redis: RedisServer;
let server: PostgresServer;
let url: string;

beforeEach(async () => {
  redis = await RedisServer.start();
  server = await PostgresServer.start();
  url = await server.createDatabase();
});

afterEach(async () => {
  server.thaw();
  await redis.stop();
  await server.stop();
});

test('10,000 events of processes that are killed with SIGKILL are all in SQL, and each once', async () => {
  const database = openPostgres({ url });
  await database.migrate();
  try {
    const outcome = await produceUnderKills(
      { redis, database, place: url },
      { events: 10_000, killAfter: 500 },
    );
    expect(outcome).toMatchObject({ lost: [], twice: [], backlog: 0 });
    expect(outcome.kills).toBeGreaterThanOrEqual(5);
  } finally {
    await database.close();
  }
}, 300_000);

test('ends work while PostgreSQL is frozen for a minute, sign-ins do not, and every end is in the trail', async () => {
  const service = await LatchkeyProcess.start({
    LATCHKEY_REDIS_URL: redis.url,
    LATCHKEY_DATABASE_URL: url,
    LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url'),
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_BCRYPT_COST: '4',
  });
  const client = connect(service.address, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const signIn = () => client.login({ username: 'admin', password: PASSWORD, clientId: 'web' });
  const opened = [];
  for (let n = 0; n < SESSIONS; n += 1) opened.push(await signIn());
  server.freeze();
  const until = performance.now() + AWAY_MS;
  for (const { tokens } of opened) {
    await client.logout({ refreshToken: tokens.refreshToken });
    await expect(signIn()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  }
  await pause(Math.max(0, until - performance.now()));
  server.thaw();
  const reader = openPostgres({ url });
  const ends = async () => (await reader.audit.list({ kind: 'SessionEnded' }, 1_000)).events;
  try {
    await eventually(async () => (await ends().catch(() => [])).length >= SESSIONS, 30_000);
    const sessions = (await ends()).map(({ sessionId }) => sessionId).sort();
    expect(sessions).toEqual(opened.map(({ session }) => session.sessionId).sort());
  } finally {
    await reader.close();
    await client.close();
    await service.stop();
  }
}, 180_000);
