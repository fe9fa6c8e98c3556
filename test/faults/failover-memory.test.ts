import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { TestKey } from '../support/test-keys.ts';

/** Servers reach Redis through an address that always leads to the primary. The replica does not get the end. */

let primary: RedisServer;
let replica: RedisServer;
let line: TcpProxy;
let address: TcpProxy;

beforeEach(async () => {
  primary = await RedisServer.start();
  line = await TcpProxy.open(primary.port);
  replica = await RedisServer.startReplica(line.port);
  address = await TcpProxy.open(primary.port);
}, 30_000);

afterEach(async () => {
  await address.close();
  await line.close();
  await replica.stop();
  await primary.stop();
});

async function failOver(): Promise<void> {
  await Promise.all([line.close(), primary.kill()]);
  await replica.promote();
  address.target = replica.port;
  address.reset();
}

const BOUNDED = { consistency: 'BOUNDED' } as const;
const STRONG = { consistency: 'STRONG' } as const;

describe('a server that has ends which a failover lost', () => {
  let stores: RedisStores;
  let world: SessionWorld;
  const parts = async (clock = new ManualClock(Date.now())) => {
    const opened = await RedisStores.open(singleRedis(address.port));
    const shared = { store: opened.sessions, log: opened.log, key, macKey };
    return { stores: opened, world: await SessionWorld.open(shared, clock) };
  };
  const macKey = randomBytes(32);
  let key: TestKey;

  beforeEach(async () => {
    key = await TestKey.make();
    ({ stores, world } = await parts());
  });

  afterEach(async () => {
    await world.close();
    stores.close();
  });

  /** One session ended individually, one with all of its user's, one live. */
  async function threeSessions() {
    const [one, all, alive] = [world.addUser(), world.addUser(), world.addUser()];
    const opened = { one: await world.open(one), all: await world.open(all), alive: await world.open(alive) };
    await world.settle();
    await replica.following();
    line.silence();
    await world.sessions.logoutByRefreshToken(opened.one.tokens.refreshToken);
    await world.ender.endUser(all.userId, 2, 'PASSWORD_CHANGED', ADMIN_ACTOR);
    await eventually(() => world.follower.size === 2);
    return opened;
  }

  const recordOf = async (port: number, { session }: { session: { userId: string; sessionId: string } }) => {
    const behind = await RedisStores.open(singleRedis(port));
    try {
      return (await behind.sessions.read(session.userId, session.sessionId, Date.now())).kind;
    } finally {
      behind.close();
    }
  };

  test('puts them back, ends the sessions again, and informs servers that missed them', async () => {
    const { one, all, alive } = await threeSessions();
    await Promise.all([line.close(), primary.kill()]);
    await replica.promote();
    for (const lost of [one, all]) expect(await recordOf(replica.port, lost)).toBe('live');
    const coveredSince = world.follower.coveredSince;
    address.target = replica.port;
    address.reset();

    await eventually(async () => (await recordOf(replica.port, all)) === 'ended');
    await eventually(async () => (await recordOf(replica.port, one)) === 'ended');
    await world.settle();
    expect(world.follower.coveredSince).toBeGreaterThan(coveredSince);
    expect(await recordOf(replica.port, alive)).toBe('live');

    const later = await parts(world.clock);
    await later.world.settle();
    expect(later.world.follower.size).toBe(2);
    for (const { tokens } of [world, later.world]) {
      for (const requirements of [BOUNDED, STRONG]) {
        const validate = async (token: string) => (await tokens.validate(token, requirements)).verdict;
        expect(await validate(one.tokens.accessToken)).toMatchObject({ endReason: 'LOGGED_OUT' });
        expect(await validate(all.tokens.accessToken)).toMatchObject({ endReason: 'PASSWORD_CHANGED' });
        expect(await validate(alive.tokens.accessToken)).toMatchObject({ kind: 'accepted' });
      }
    }
    await later.world.close();
    later.stores.close();
  });

  test('accepts none of those tokens in the meantime', async () => {
    const { one, all } = await threeSessions();
    const verdicts = new Set<string>();
    let over = false;
    const asking = (async () => {
      while (!over) {
        for (const { tokens } of [one, all]) {
          const { verdict } = await world.tokens.validate(tokens.accessToken, BOUNDED);
          verdicts.add(verdict.kind);
        }
        await new Promise(setImmediate);
      }
    })();
    await failOver();
    await eventually(async () => (await recordOf(replica.port, one)) === 'ended');
    await world.settle();
    over = true;
    await asking;
    expect(verdicts).toEqual(new Set(['rejected']));
  });

  test('puts them into a wiped log, which covers nothing from before', async () => {
    const { one, alive } = await threeSessions();
    const coveredSince = world.follower.coveredSince;
    await line.close();
    await primary.kill();
    await primary.resume();
    await eventually(() => world.follower.coveredSince > coveredSince);
    await world.settle();
    const validate = async (token: string) => (await world.tokens.validate(token, BOUNDED)).verdict;
    expect(await validate(one.tokens.accessToken)).toMatchObject({ endReason: 'LOGGED_OUT' });
    expect(await validate(alive.tokens.accessToken)).toMatchObject({ kind: 'rejected' });
    expect(await recordOf(primary.port, one)).toBe('ended');
    const again = await world.open(world.addUser());
    await world.settle();
    expect(await validate(again.tokens.accessToken)).toMatchObject({ kind: 'accepted' });
  });
});

describe('the service, after a failover that lost acknowledged ends', () => {
  const PASSWORD = 'correct horse battery';
  const SESSIONS = 20;
  let dataDir: string;
  const servers: LatchkeyProcess[] = [];
  const clients: IdentityClient[] = [];

  const start = async () => {
    const server = await LatchkeyProcess.start({
      LATCHKEY_REDIS_URL: `redis://127.0.0.1:${address.port}`,
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    });
    servers.push(server);
    const client = new IdentityClient(server.address);
    clients.push(client);
    return { server, client };
  };

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-failover-'));
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('ends again what was lost, without a restart, and a later server knows it', async () => {
    const first = await start();
    const logins = await Promise.all(
      Array.from({ length: SESSIONS }, () => first.client.login({ password: PASSWORD })),
    );
    const tokens = logins.map((login) => login.tokens ?? { accessToken: '', refreshToken: '' });
    const [alive, ...ended] = tokens;
    await replica.following();
    line.silence();
    let revision = '';
    for (const { refreshToken } of ended) {
      ({ revision } = await first.client.logout({ $case: 'refreshToken', value: refreshToken }));
    }
    await first.client.validate(alive?.accessToken ?? '', { atLeastRevision: revision });
    await failOver();
    await eventually(
      () => replica.with(async (redis) => (await redis.xlen('lk:{revocations}')) === ended.length),
      10_000,
    );
    expect(first.server.log.some(({ entries }) => entries === ended.length)).toBe(true);

    const second = await start();
    for (const { client } of [first, second]) {
      for (const { accessToken, refreshToken } of ended) {
        const { verdict } = await client.validate(accessToken);
        expect(verdict?.$case).toBe('rejection');
        await expect(client.refresh(refreshToken)).rejects.toMatchObject({ code: 16 });
      }
      const { verdict } = await client.validate(alive?.accessToken ?? '');
      expect(verdict?.$case).toBe('identity');
    }
    await second.client.refresh(alive?.refreshToken ?? '');
  }, 60_000);
});
