import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient, type SessionEvent } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const LIMIT_MS = 30_000;

let dataDir: string;
let redis: RedisServer;
let services: LatchkeyProcess[];
let clients: LatchkeyClient[];

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-watches-'));
  redis = await RedisServer.start();
  services = [];
  clients = [];
});

afterEach(async () => {
  for (const service of services) service.thaw();
  redis.thaw();
  for (const client of clients) await client.close();
  for (const service of services) await service.stop();
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<LatchkeyProcess> {
  const service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_REDIS_URL: redis.url,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
  });
  services.push(service);
  return service;
}

function connected(...running: readonly LatchkeyProcess[]): LatchkeyClient {
  const addresses = running.map(({ address }) => address);
  const client = connect(addresses, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  clients.push(client);
  return client;
}

async function signIn(client: LatchkeyClient): Promise<string> {
  return (await client.login({ username: 'admin', password: PASSWORD })).tokens.accessToken;
}

/** The kinds of the events of a watch, with the reason of the end. */
function kindsOf(client: LatchkeyClient, token: string): string[] {
  const kinds: string[] = [];
  const nameOf = (event: SessionEvent) => (event.kind === 'ended' ? event.endReason : event.kind);
  void (async () => {
    for await (const event of client.watchSession({ token })) kinds.push(nameOf(event));
  })();
  return kinds;
}

test('a watch at a service that freezes goes on at another one, and misses no end', async () => {
  const one = await start();
  const token = await signIn(connected(one));
  const both = connected(one, await start());
  const kinds = kindsOf(both, token);
  await eventually(() => kinds.length === 1);
  const [first, second] = services as [LatchkeyProcess, LatchkeyProcess];
  const watchers = async (service: LatchkeyProcess) =>
    (await (await fetch(`${service.metricsUrl}/metrics`)).text()).includes('latchkey_session_watchers 1');
  const [frozen, living] = (await watchers(first)) ? [first, second] : [second, first];
  frozen.freeze();
  await connected(living).logout({ accessToken: token });
  await eventually(() => kinds.at(-1) === 'LOGGED_OUT', LIMIT_MS);
  expect(kinds).toEqual(['alive', 'interrupted', 'LOGGED_OUT']);
}, 60_000);

test('a watch says that it is interrupted while Redis is frozen, and that the session is living after it', async () => {
  const client = connected(await start());
  const token = await signIn(client);
  const kinds = kindsOf(client, token);
  await eventually(() => kinds.length === 1);
  redis.freeze();
  await eventually(() => kinds.length === 2, LIMIT_MS);
  redis.thaw();
  await eventually(() => kinds.length === 3, LIMIT_MS);
  expect(kinds).toEqual(['alive', 'interrupted', 'alive']);
  await client.logout({ accessToken: token });
  await eventually(() => kinds.at(-1) === 'LOGGED_OUT');
}, 60_000);
