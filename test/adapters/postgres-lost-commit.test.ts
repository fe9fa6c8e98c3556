import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { JoseKeyMaterial } from '../../src/adapters/jose/jose-key-material.ts';
import { openPostgres } from '../../src/adapters/sql/postgres.ts';
import type { SqlDatabase } from '../../src/adapters/sql/sql-database.ts';
import { UserService } from '../../src/core/administration/user-service.ts';
import { KeyService } from '../../src/core/keys/key-service.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { UNLIMITED_ATTEMPTS } from '../../src/core/sign-in/login-attempts.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PostgresServer } from '../support/postgres.ts';
import { ADMIN_ACTOR, NO_EVENTS } from '../support/security-events.ts';
import { DAY, ids, MINUTE } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { USERS_SINCE } from '../support/users.ts';

const PASSWORD = 'correct horse battery staple';

let server: PostgresServer;
let proxy: TcpProxy;
let database: SqlDatabase;
let clock: ManualClock;
let users: UserService;
/** How often sessions were ended, by reason. */
let ended: string[];
/** The request that gets no response after sessions were ended. */
let requestAfterEnd: string | undefined;

beforeAll(async () => {
  server = await PostgresServer.start();
  proxy = await TcpProxy.open(server.port);
});

afterAll(async () => {
  await proxy.close();
  await server.stop();
});

beforeEach(async () => {
  clock = new ManualClock(USERS_SINCE);
  const url = await server.createDatabase();
  database = openPostgres({ url: url.replace(`:${server.port}`, `:${proxy.port}`) });
  await database.migrate();
  ended = [];
  requestAfterEnd = undefined;
  users = new UserService({
    events: NO_EVENTS,
    directory: database.users,
    passwords: { hash: async () => 'a hash', importHash: () => 'a hash' },
    sessions: {
      endUser: async (_userId, _version, reason) => {
        ended.push(reason);
        if (requestAfterEnd !== undefined) proxy.resetInReplyTo(requestAfterEnd);
        return { revision: '1-0' };
      },
    },
    attempts: UNLIMITED_ATTEMPTS,
    clock,
    ids,
  });
});

afterEach(() => database.close());

/** The connection breaks after the commit was sent: it is stored, but gets no response. */
async function withoutAnswer(change: () => Promise<unknown>): Promise<string> {
  proxy.resetInReplyTo('commit');
  return outcomeOf(change());
}

describe('a change whose commit got no response', () => {
  const created = () => users.create({ username: 'ada', password: PASSWORD, roles: [] }, ADMIN_ACTOR);

  test.each<[string, (userId: string) => Promise<unknown>, readonly string[]]>([
    [
      'setting a password',
      (userId) => users.setPassword(userId, PASSWORD, ADMIN_ACTOR),
      ['PASSWORD_CHANGED'],
    ],
    ['disabling', (userId) => users.disable(userId, ADMIN_ACTOR), ['USER_DISABLED']],
    ['enabling', (userId) => users.enable(userId, ADMIN_ACTOR), []],
    ['deleting', (userId) => users.delete(userId, ADMIN_ACTOR), ['USER_DELETED']],
    ['changing roles', (userId) => users.update(userId, { roles: ['reader'] }, ADMIN_ACTOR), []],
    ['renaming', (userId) => users.update(userId, { username: 'Ada' }, ADMIN_ACTOR), []],
  ])('can be repeated: %s', async (name, change, reasons) => {
    const { userId } = await created();
    if (name === 'enabling') await users.disable(userId, ADMIN_ACTOR);
    ended = [];
    expect(await withoutAnswer(() => change(userId))).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(change(userId))).toBe('ok');
    expect(ended).toEqual(reasons);
  });

  test('is reported as taken when the creation of a user is repeated', async () => {
    expect(await withoutAnswer(created)).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(created())).toBe('USERNAME_TAKEN');
  });

  test('is reported as not found when the deletion of a user is repeated, whose sessions have ended', async () => {
    const { userId } = await created();
    requestAfterEnd = 'commit';
    expect(await outcomeOf(users.delete(userId, ADMIN_ACTOR))).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(users.delete(userId, ADMIN_ACTOR))).toBe('USER_NOT_FOUND');
    expect(ended).toEqual(['USER_DELETED']);
  });

  test('is reported as changed when the update named a version', async () => {
    const { userId, version } = await created();
    const rename = () => users.update(userId, { username: 'Ada' }, ADMIN_ACTOR, version);
    expect(await withoutAnswer(rename)).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(rename())).toBe('USER_CHANGED');
  });

  test('creates no second signing key when the rotation is repeated', async () => {
    const keys = new KeyService({
      store: database.keys,
      material: new JoseKeyMaterial(),
      masterKeys: new MasterKeys([Buffer.alloc(32, 1)]),
      clock,
      policy: {
        ...{ algorithm: 'EdDSA', rotationMs: 30 * DAY },
        ...{ publishLeadMs: 10 * MINUTE, retentionMs: 16 * MINUTE },
      },
    });
    await keys.start();
    expect(await withoutAnswer(() => keys.rotate())).toBe('STORE_UNAVAILABLE');
    await keys.rotate();
    expect(await database.keys.list()).toHaveLength(2);
  });

  test('does not lose the password that was generated for the first user', async () => {
    proxy.resetInReplyTo('commit');
    const first = await users.bootstrap({ username: 'admin' });
    expect(first?.generatedPassword).toEqual(expect.any(String));
    expect(await database.users.list(10, undefined)).toMatchObject({ users: [{ username: 'admin' }] });
    expect(await users.bootstrap({ username: 'admin' })).toBeUndefined();
  });
});
