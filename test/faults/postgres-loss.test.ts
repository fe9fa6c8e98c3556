import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import { ConstantLoad, type LoadOptions, type Outcomes } from '../support/constant-load.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { PostgresServer } from '../support/postgres.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** The long form of `test/e2e/postgres-loss.test.ts`: every way to lose PostgreSQL, under load and nearly idle. */

const OK = 0;
const UNAVAILABLE = 14;
const PASSWORD = 'correct horse battery';
/** As in `openPostgres`. */
const POOL_SIZE = 10;
/** A second, plus the time a busy machine needs for timers and password checks. */
const ANSWERED_WITHIN_MS = 4_000;
const POOL_PROGRAM = new URL('../support/plain-pool.ts', import.meta.url).pathname;

let server: PostgresServer;
let proxy: TcpProxy;
/** Bypasses the proxy. */
let url: string;
let viaProxy: string;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server.stop());

beforeEach(async () => {
  proxy = await TcpProxy.open(server.port);
  url = await server.createDatabase();
  viaProxy = url.replace(`:${server.port}`, `:${proxy.port}`);
});

afterEach(() => proxy.close());

const times = async (count: number, breakIt: () => unknown) => {
  for (let time = 0; time < count; time += 1) {
    await breakIt();
    await pause(40);
  }
};

/** By name. After each one PostgreSQL is available again. */
const FAULTS: Readonly<Record<string, () => Promise<void>>> = {
  'ends the connections, again and again': () => times(20, () => server.endConnections(url)),
  'resets the connections, again and again': () => times(20, () => proxy.reset()),
  'closes one direction of the connections, again and again': () => times(20, () => proxy.halfClose()),
  'cuts answers short, again and again': async () => {
    for (const bytes of [0, 1, 5, 6, 20, 100]) await times(5, () => proxy.resetInReply(bytes));
    proxy.reset();
  },
  'loses the answers to commits, again and again': () => times(20, () => proxy.resetInReplyTo('commit')),
  'falls silent, and is reset': async () => {
    proxy.silence();
    await pause(2_500);
    proxy.reset();
    proxy.speak();
  },
  'is shut down at once, and comes back': async () => {
    await server.kill();
    await pause(1_500);
    await server.resume();
  },
  'is killed, and comes back': async () => {
    await server.crash();
    await pause(1_500);
    await server.resume();
  },
  'stands still for a moment, and is killed, and comes back': async () => {
    server.freeze();
    await pause(500);
    await server.crash();
    await pause(500);
    await server.resume();
  },
  'stands still for long, and is killed, and comes back': async () => {
    server.freeze();
    await pause(2_500);
    await server.crash();
    await pause(500);
    await server.resume();
  },
  'stands still, and goes on': async () => {
    server.freeze();
    await pause(2_500);
    server.thaw();
  },
};

const LOADS: readonly (readonly [string, Partial<LoadOptions>])[] = [
  ['as many calls as it takes', { callers: 16 }],
  ['some 20 calls a second', { callers: 4, pauseMs: 300 }],
];

const kindsOf = (outcomes: Outcomes) => [...outcomes.keys()].sort((a, b) => a - b);

describe.each(LOADS)('a service with %s whose PostgreSQL', (_, options) => {
  let service: LatchkeyProcess;
  let client: IdentityClient;
  let users: UserServiceClient;
  let load: ConstantLoad;

  beforeEach(async () => {
    service = await LatchkeyProcess.start({
      LATCHKEY_DATABASE_URL: viaProxy,
      LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url'),
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      LATCHKEY_BCRYPT_COST: '4',
    });
    client = new IdentityClient(service.address);
    users = new UserServiceClient(service.address, credentials.createInsecure());
    load = await ConstantLoad.start({ identity: client, users }, { password: PASSWORD, ...options });
    await pause(500);
  });

  afterEach(async () => {
    await load?.stop();
    client.close();
    users.close();
    await service.stop();
  });

  test.each(Object.keys(FAULTS))(
    '%s: stays up, keeps validating, and recovers',
    async (name) => {
      await FAULTS[name]?.();
      await eventually(() =>
        client.login({ password: PASSWORD }).then(
          () => true,
          () => false,
        ),
      );
      await load.stop();
      expect(kindsOf(load.validated)).toEqual([OK]);
      for (const kind of [load.refreshed, load.signedIn, load.changed].flatMap(kindsOf)) {
        expect([OK, UNAVAILABLE]).toContain(kind);
      }
      expect(load.slowestSignInMs).toBeLessThan(ANSWERED_WITHIN_MS);
      await eventually(() => proxy.connections <= POOL_SIZE);
      const { code, log, errors } = await service.stop();
      expect(code).toBe(0);
      expect(errors).not.toMatch(/Warning|Error:/);
      expect(
        log.filter(({ msg }) => msg === 'The users store did not answer; try again.').length,
      ).toBeLessThan(2);
    },
    60_000,
  );
});

describe('the control: a program that listens only to errors of the pool', () => {
  let child: ChildProcess;

  beforeEach(async () => {
    child = spawn(process.execPath, [POOL_PROGRAM, viaProxy], { stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.stdout !== null) await once(child.stdout, 'data');
  });

  afterEach(() => {
    child.kill('SIGKILL');
  });

  test('is ended by the same error', async () => {
    let errors = '';
    child.stderr?.on('data', (text) => {
      errors += String(text);
    });
    const closed = once(child, 'close');
    await FAULTS['ends the connections, again and again']?.();
    expect((await closed)[0]).toBe(1);
    expect(errors).toContain("Unhandled 'error' event");
  });
});
