import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { AUDIT_KEYS } from '../../src/adapters/redis/keys.ts';
import { openSqlite } from '../../src/adapters/sql/sqlite.ts';
import { AuditEventKind, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { produceUnderKills } from '../support/audit-kills.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { PostgresServer } from '../support/postgres.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const NAMES = Object.entries(AuditEventKind);
const MAX_BACKLOG = 100_000;

let redis: RedisServer;
let folder: string;

beforeEach(async () => {
  redis = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), 'latchkey-audit-'));
});

afterEach(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

function start(more: Readonly<Record<string, string>> = {}) {
  return LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: join(folder, 'data'),
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_BCRYPT_COST: '4',
    ...more,
  });
}

/** A client that signs in by itself where it needs a token. */
function clientOf({ address }: LatchkeyProcess): LatchkeyClient {
  const serviceAccount = { username: 'admin', password: PASSWORD };
  return connect(address, { credentials: { kind: 'plaintext' }, mode: 'remote', serviceAccount });
}

const signIn = (client: LatchkeyClient, password = PASSWORD) =>
  client.login({ username: 'admin', password, clientId: 'web' });

/** The events of a session, oldest first, as kind and reason. */
async function eventsOf(client: LatchkeyClient, sessionId: string): Promise<readonly string[]> {
  const { events } = await client.audit.listAuditEvents({ sessionId });
  const lines = events.map(({ kind, reason }) => {
    const name = NAMES.find(([, value]) => value === kind)?.[0] ?? '';
    return `${name} ${reason}`.trim();
  });
  return lines.reverse();
}

test('a sign-in and an end that were acknowledged are in the trail after kill -9', async () => {
  const redisUrl = { LATCHKEY_REDIS_URL: redis.url };
  const first = await start(redisUrl);
  const before = clientOf(first);
  const { tokens, session } = await signIn(before);
  await before.logout({ refreshToken: tokens.refreshToken });
  await first.stop('SIGKILL');
  await before.close().catch(() => undefined);
  const second = await start(redisUrl);
  const after = clientOf(second);
  const expected = ['SIGNED_IN', 'SESSION_ENDED LOGGED_OUT'];
  await eventually(async () => (await eventsOf(after, session.sessionId)).length >= 2, 15_000);
  expect(await eventsOf(after, session.sessionId)).toEqual(expected);
  await after.close();
  await second.stop();
});

test('without Redis, events are in the trail when they are acknowledged, and failures as counts', async () => {
  const service = await start();
  const client = clientOf(service);
  const { tokens, session } = await signIn(client);
  await client.refresh({ refreshToken: tokens.refreshToken });
  await client.refresh({ refreshToken: tokens.refreshToken });
  for (let n = 0; n < 5; n += 1) expect(await reasonOf(signIn(client, 'wrong'))).toBe('INVALID_CREDENTIALS');
  const nobody = client.login({ username: 'hunter2', password: PASSWORD });
  expect(await reasonOf(nobody)).toBe('INVALID_CREDENTIALS');
  await client.users.setPassword({ userId: session.userId, password: `${PASSWORD}!` });
  await client.close();
  await service.stop();
  const database = openSqlite({ file: join(folder, 'data', 'latchkey.db') });
  const { events } = await database.audit.list({}, 100);
  await database.close();
  const lines = events.map(({ kind, username, reason, count, details, actor }) =>
    [kind, username, reason, details['change'] ?? '', count, actor.username].join(' '),
  );
  expect(lines).toEqual(
    expect.arrayContaining([
      'SignInFailed admin INVALID_CREDENTIALS  5 ',
      'SignInFailed  INVALID_CREDENTIALS  1 ',
      'UserChanged admin  PASSWORD_SET 1 admin',
      'SessionEnded admin PASSWORD_CHANGED  1 admin',
      'UserChanged admin  CREATED 1 ',
    ]),
  );
  const ofSession = events.filter(({ sessionId }) => sessionId === session.sessionId);
  expect(ofSession.map(({ kind }) => kind).sort()).toEqual(['RefreshReplayed', 'SignedIn']);
  expect(JSON.stringify(events)).not.toContain('hunter2');
});

test('events of processes that are killed with SIGKILL in the middle are all in SQL, and each once', async () => {
  const place = join(folder, 'audit.db');
  const database = openSqlite({ file: place });
  await database.migrate();
  try {
    const outcome = await produceUnderKills({ redis, database, place }, { events: 1_000, killAfter: 350 });
    expect(outcome).toMatchObject({ lost: [], twice: [], backlog: 0 });
    expect(outcome.kills).toBeGreaterThanOrEqual(2);
  } finally {
    await database.close();
  }
}, 60_000);

describe('while SQL takes no events', () => {
  let server: PostgresServer;
  let locker: Client;
  let service: LatchkeyProcess;
  let client: LatchkeyClient;

  beforeEach(async () => {
    server = await PostgresServer.start();
    const url = await server.createDatabase();
    service = await start({
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_DATABASE_URL: url,
      LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url'),
    });
    client = clientOf(service);
    locker = new Client({ connectionString: url });
    await locker.connect();
    await locker.query('begin; lock table audit_events in access exclusive mode');
  });

  afterEach(async () => {
    await client.close();
    await service.stop();
    await locker.end();
    await server.stop();
  });

  const backlog = async () => {
    const page = await (await fetch(`${service.metricsUrl}/metrics`)).text();
    return Number(/^latchkey_audit_backlog (\d+)/m.exec(page)?.[1]);
  };

  test('sign-in and ends work, the backlog is in the metrics, and afterwards everything is in the trail', async () => {
    const opened = [await signIn(client), await signIn(client)];
    for (const { tokens } of opened) await client.logout({ refreshToken: tokens.refreshToken });
    expect(await reasonOf(signIn(client, 'wrong'))).toBe('INVALID_CREDENTIALS');
    await eventually(async () => (await backlog()) >= 5, 15_000);
    await locker.query('commit');
    await eventually(async () => (await backlog()) === 0, 15_000);
    for (const { session } of opened) {
      expect(await eventsOf(client, session.sessionId)).toEqual(['SIGNED_IN', 'SESSION_ENDED LOGGED_OUT']);
    }
  });

  test('a full backlog refuses sign-ins, right or wrong, and nothing else, until there is room', async () => {
    const { tokens } = await signIn(client);
    await fill();
    expect(await reasonOf(signIn(client))).toBe('STORE_UNAVAILABLE');
    expect(await reasonOf(signIn(client, 'wrong'))).toBe('STORE_UNAVAILABLE');
    const refreshed = await client.refresh({ refreshToken: tokens.refreshToken });
    await client.logout({ refreshToken: refreshed.tokens.refreshToken });
    await locker.query('commit');
    await eventually(async () => (await reasonOf(signIn(client))) === 'ok', 15_000);
    await redis.with((it) => it.xtrim(AUDIT_KEYS.stream, 'MAXLEN', 0));
  });

  /** Puts as many events into the outbox as it holds. */
  async function fill(): Promise<void> {
    const { eventId: _, ...event } = anAuditEvent(1);
    const script = `for n = 1, ARGV[1] do
      redis.call('XADD', KEYS[1], '*', 'id', string.format('019b7760-0000-7000-8000-%012x', n), 'event', ARGV[2])
    end`;
    await redis.with((it) => it.eval(script, 1, AUDIT_KEYS.stream, MAX_BACKLOG, JSON.stringify(event)));
  }
});

function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'ok',
    (error: { readonly reason?: unknown }) => error.reason,
  );
}
