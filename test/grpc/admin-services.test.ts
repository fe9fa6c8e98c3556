import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import type { DevicePolicy } from '../../src/core/user/device-policy.ts';
import type { User } from '../../src/core/user/user.ts';
import { KeyServiceClient, SigningKeyState } from '../../src/gen/latchkey/admin/v1/key.ts';
import {
  DeviceLimitAction,
  DevicePolicyKind,
  UserServiceClient,
} from '../../src/gen/latchkey/admin/v1/user.ts';
import { keyService } from '../../src/grpc/key-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { type UserCore, userService } from '../../src/grpc/user-service.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { claimsOf, T0, testEnvironment, validateByName } from './support/fakes.ts';
import { call } from './support/unary-call.ts';

const idOf = (n: number) => `019b7760-0000-7000-8000-${String(n).padStart(12, '0')}`;
const admin = { metadata: { authorization: 'Bearer admin' } };

/** The sources of the calls in the password queue. */
const queued = {
  source: {
    purpose: 'administration',
    address: '127.0.0.1',
    connection: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  },
  signal: expect.any(AbortSignal),
};

const user: User = {
  userId: idOf(1),
  username: 'Ada',
  usernameKey: 'ada',
  passwordHash: 'secret-hash',
  roles: ['admin'],
  devicePolicy: undefined,
  disabledAt: undefined,
  createdAt: T0,
  updatedAt: T0 + 1,
  passwordChangedAt: T0 + 2,
  version: 7,
  securityVersion: 3,
  keptSessionId: undefined,
};

const LIMIT_OF_THREE: DevicePolicy = { kind: 'limit', maxSessions: 3, atLimit: 'refuse' };
const blankUpdate = {
  ...{ userId: idOf(1), username: '', roles: [], etag: '' },
  ...{ updateMask: ['device_policy'], devicePolicy: undefined },
};

/** The user that `admin` signs in. */
const { userId, sessionId, clientId } = claimsOf([]);
const actor = { kind: 'caller', userId, sessionId, clientId };

/** Users that record each request, as `method` and arguments. */
function fakeUsers(asked: unknown[][]): UserCore {
  const noted =
    <Result>(method: string, result: Result) =>
    async (...given: readonly unknown[]): Promise<Result> => {
      asked.push([method, ...given]);
      return result;
    };
  return {
    create: noted('create', user),
    get: noted('get', user),
    list: noted('list', { users: [user], next: user.userId }),
    update: noted('update', user),
    setPassword: noted('setPassword', { user, revision: '9-0' }),
    disable: noted('disable', { user: { ...user, disabledAt: T0 + 3 }, revision: '9-1' }),
    enable: noted('enable', user),
    delete: noted('delete', { revision: '9-2' }),
    liftLoginLimits: noted('liftLoginLimits', user),
  };
}

const keys = [3, 2, 1].map((n) => ({
  keyId: `key-${n}`,
  algorithm: 'EdDSA' as const,
  state: 'SIGNING' as const,
  createdAt: T0,
  signsFrom: T0 + n,
  signsUntil: undefined,
  publishedUntil: undefined,
  masterKeyId: '0a1b2c3d',
}));

let unreadKeys: typeof keys;
let keysElsewhere: typeof keys;
let asked: unknown[][];
let requirementsAsked: Requirements[];
let server: GrpcServer;
let users: UserServiceClient;
let signingKeys: KeyServiceClient;
beforeEach(async () => {
  asked = [];
  requirementsAsked = [];
  unreadKeys = [];
  keysElsewhere = [];
  await start(fakeUsers(asked));
});
afterEach(stop);

async function start(core: UserCore): Promise<void> {
  const environment = testEnvironment();
  const validate = (token: string, requirements: Requirements) => {
    requirementsAsked.push(requirements);
    return Promise.resolve(validateByName(token));
  };
  const keyCore = {
    list: () => [...keysElsewhere, ...keys],
    // Keys of other replicas are known from now on.
    reload: async () => {
      keysElsewhere = [...unreadKeys];
    },
    rotate: async (by: unknown) => {
      asked.push(['rotate', by]);
      return { ...keys[0], keyId: 'key-4' } as never;
    },
  };
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [userService(core, { validate }, environment), keyService(keyCore, { validate }, environment)],
    reflection: false,
    log: environment.log,
  });
  const address = await server.listen();
  users = new UserServiceClient(address, credentials.createInsecure());
  signingKeys = new KeyServiceClient(address, credentials.createInsecure());
}

async function stop(): Promise<void> {
  users.close();
  signingKeys.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
}

describe('callers of the admin services', () => {
  test('must be administrators, validated by their session record', async () => {
    const request = { userId: idOf(1) };
    expect(await call(users, users.disableUser, request)).toMatchObject({ code: status.UNAUTHENTICATED });
    const service = { metadata: { authorization: 'Bearer service' } };
    expect(await call(users, users.disableUser, request, service)).toMatchObject({
      code: status.PERMISSION_DENIED,
      metadata: { required_role: 'admin' },
    });
    expect(asked).toEqual([]);
    expect(await call(users, users.disableUser, request, admin)).toHaveProperty('ok');
    expect(requirementsAsked.map(({ consistency }) => consistency)).toEqual(['STRONG', 'STRONG']);
  });
});

describe('UserService', () => {
  test('returns a user without secrets', async () => {
    const outcome = await call(users, users.getUser, { key: { $case: 'userId', value: idOf(1) } }, admin);
    expect(outcome.ok?.user).toEqual({
      userId: idOf(1),
      username: 'Ada',
      roles: ['admin'],
      devicePolicy: undefined,
      disabledAt: undefined,
      createdAt: new Date(T0),
      updatedAt: new Date(T0 + 1),
      passwordChangedAt: new Date(T0 + 2),
      etag: '7',
    });
  });

  test('lifts the limits of a user, and of nobody by a name', async () => {
    const { ok } = await call(users, users.liftLoginLimits, { userId: idOf(1) }, admin);
    expect(ok?.user).toMatchObject({ userId: idOf(1), username: 'Ada' });
    const named = await call(users, users.liftLoginLimits, { userId: 'ada' }, admin);
    expect(named).toMatchObject({ code: status.INVALID_ARGUMENT, fields: ['user_id'] });
    expect(asked).toEqual([['liftLoginLimits', idOf(1), actor]]);
  });

  test('creates with a password or with a hash', async () => {
    const request = { username: 'grace', roles: ['ops'] };
    const password = { $case: 'password' as const, value: 'correct horse battery' };
    const hash = { $case: 'passwordHash' as const, value: '$2b$12$x' };
    await call(users, users.createUser, { ...request, credential: password }, admin);
    await call(users, users.createUser, { ...request, credential: hash }, admin);
    expect(asked).toEqual([
      ['create', { ...request, password: 'correct horse battery' }, actor, queued],
      ['create', { ...request, passwordHash: '$2b$12$x' }, actor, queued],
    ]);
  });

  test('refuses a password of invalid length, and leaves the check for easy passwords to core', async () => {
    const create = { username: 'a b', roles: [], credential: { $case: 'password' as const, value: 'short' } };
    expect(await call(users, users.createUser, create, admin)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      fields: ['username', 'password'],
    });
    const request = { userId: idOf(1), password: 'short' };
    expect(await call(users, users.setPassword, request, admin)).toMatchObject({ fields: ['password'] });
    const common = { ...create, username: 'ada', credential: { ...create.credential, value: 'password' } };
    await call(users, users.createUser, common, admin);
    await call(users, users.setPassword, { ...request, password: 'password' }, admin);
    expect(asked.map(([method]) => method)).toEqual(['create', 'setPassword']);
  });

  test('names every invalid field of a new user', async () => {
    const request = { username: 'a b', roles: ['Not A Role'], credential: undefined };
    expect(await call(users, users.createUser, request, admin)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      fields: ['username', 'roles[0]', 'credential'],
    });
  });

  test.each(['ada\u2800', '01900000-0000-7000-8000-00000000aaaa'])(
    'refuses %p for a new user, but looks it up',
    async (username) => {
      const refused = { code: status.INVALID_ARGUMENT, fields: ['username'] };
      const credential = { $case: 'password' as const, value: 'correct horse battery' };
      const create = { username, roles: [], credential };
      expect(await call(users, users.createUser, create, admin)).toMatchObject(refused);
      const update = { ...blankUpdate, username, updateMask: ['username'] };
      expect(await call(users, users.updateUser, update, admin)).toMatchObject(refused);
      const get = { key: { $case: 'username' as const, value: username } };
      expect(await call(users, users.getUser, get, admin)).toHaveProperty('ok');
    },
  );

  test('changes only the fields in the mask, if the etag matches', async () => {
    const given = { username: 'ada2', roles: ['ops'], updateMask: ['roles'], etag: '7' };
    const request = { ...blankUpdate, ...given };
    expect(await call(users, users.updateUser, request, admin)).toHaveProperty('ok');
    await call(users, users.updateUser, { ...request, updateMask: ['username'], etag: '' }, admin);
    expect(asked).toEqual([
      ['update', idOf(1), { roles: ['ops'] }, actor, 7],
      ['update', idOf(1), { username: 'ada2' }, actor, undefined],
    ]);
  });

  test('sets a device policy of a user, shows it and removes it', async () => {
    const policy = { kind: DevicePolicyKind.LIMIT, maxSessions: 3, limitAction: DeviceLimitAction.REFUSE };
    const request = { ...blankUpdate, devicePolicy: policy };
    expect(await call(users, users.updateUser, request, admin)).toHaveProperty('ok');
    await call(users, users.updateUser, { ...request, devicePolicy: undefined }, admin);
    expect(asked).toEqual([
      ['update', idOf(1), { devicePolicy: LIMIT_OF_THREE }, actor, undefined],
      ['update', idOf(1), { devicePolicy: null }, actor, undefined],
    ]);
    await stop();
    await start({ ...fakeUsers(asked), get: async () => ({ ...user, devicePolicy: LIMIT_OF_THREE }) });
    const found = await call(users, users.getUser, { key: { $case: 'userId', value: idOf(1) } }, admin);
    expect(found.ok?.user?.devicePolicy).toEqual(policy);
  });

  test.each([
    [{ kind: DevicePolicyKind.UNSPECIFIED }, ['device_policy.kind']],
    [{ kind: 9 as DevicePolicyKind }, ['device_policy.kind']],
    [{ kind: DevicePolicyKind.LIMIT, maxSessions: 0 }, ['device_policy.max_sessions']],
    [{ kind: DevicePolicyKind.LIMIT, maxSessions: 1_001 }, ['device_policy.max_sessions']],
    [{ kind: DevicePolicyKind.ONE, maxSessions: 1 }, ['device_policy.max_sessions']],
    [{ limitAction: DeviceLimitAction.UNSPECIFIED }, ['device_policy.limit_action']],
    [{ limitAction: 9 as DeviceLimitAction }, ['device_policy.limit_action']],
    [{ kind: DevicePolicyKind.UNLIMITED }, ['device_policy.limit_action']],
  ])('refuses a device policy that cannot be: %j', async (given, fields) => {
    const policy = { kind: DevicePolicyKind.ONE, maxSessions: 0, limitAction: DeviceLimitAction.REPLACE };
    const request = { ...blankUpdate, devicePolicy: { ...policy, ...given } };
    expect(await call(users, users.updateUser, request, admin)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      fields,
    });
    expect(asked).toEqual([]);
  });

  test('refuses an invalid mask and an invalid etag', async () => {
    const request = { ...blankUpdate, userId: 'me', updateMask: ['password'], etag: '*' };
    const refused = { fields: ['user_id', 'update_mask', 'etag'] };
    expect(await call(users, users.updateUser, request, admin)).toMatchObject(refused);
    const empty = { ...request, updateMask: [] };
    expect(await call(users, users.updateUser, empty, admin)).toMatchObject(refused);
  });

  test('lists from page to page', async () => {
    const first = await call(users, users.listUsers, { pageSize: 0, pageToken: '' }, admin);
    const pageToken = first.ok?.nextPageToken ?? '';
    await call(users, users.listUsers, { pageSize: 1_000, pageToken }, admin);
    expect(asked).toEqual([
      ['list', 100, undefined],
      ['list', 1_000, idOf(1)],
    ]);
  });

  test.each([
    [{ pageSize: -1, pageToken: '' }, ['page_size']],
    [{ pageSize: 1_001, pageToken: 'x' }, ['page_size', 'page_token']],
    [{ pageSize: 1, pageToken: 'y'.repeat(2_000) }, ['page_token']],
  ])('refuses an invalid page: %j', async (request, fields) => {
    expect(await call(users, users.listUsers, request, admin)).toMatchObject({ fields });
  });

  test('returns the revision of the end for changes that end sessions', async () => {
    const request = { userId: idOf(1) };
    const password = { ...request, password: 'correct horse battery' };
    const set = await call(users, users.setPassword, password, admin);
    expect(set.ok?.revision).toBe('9-0');
    expect(asked.at(-1)).toEqual(['setPassword', password.userId, password.password, actor, queued]);
    const disabled = await call(users, users.disableUser, request, admin);
    expect(disabled.ok).toMatchObject({ revision: '9-1', user: { disabledAt: new Date(T0 + 3) } });
    const enabled = await call(users, users.enableUser, request, admin);
    expect(enabled.ok?.user?.disabledAt).toBeUndefined();
    expect(await call(users, users.deleteUser, request, admin)).toEqual({ ok: { revision: '9-2' } });
  });

  test('passes on the errors of the domain', async () => {
    await stop();
    const update = async () => {
      throw new Failure('USER_CHANGED', 'The user was changed.', { metadata: { etag: '8' } });
    };
    await start({ ...fakeUsers(asked), update });
    const request = { ...blankUpdate, updateMask: ['roles'], etag: '7' };
    expect(await call(users, users.updateUser, request, admin)).toMatchObject({
      code: status.ABORTED,
      reason: 'USER_CHANGED',
      metadata: { etag: '8' },
    });
  });
});

describe('KeyService', () => {
  test('lists keys from page to page', async () => {
    const first = await call(signingKeys, signingKeys.listSigningKeys, { pageSize: 2, pageToken: '' }, admin);
    expect(first.ok?.keys.map(({ keyId }) => keyId)).toEqual(['key-3', 'key-2']);
    const { nextPageToken: pageToken = '' } = first.ok ?? {};
    const second = await call(signingKeys, signingKeys.listSigningKeys, { pageSize: 2, pageToken }, admin);
    expect(second.ok).toMatchObject({ keys: [{ keyId: 'key-1' }], nextPageToken: '' });
  });

  test('lists keys that another replica created since the last read', async () => {
    unreadKeys = keys.slice(0, 1).map((key) => ({ ...key, keyId: 'key-9' }));
    const outcome = await call(
      signingKeys,
      signingKeys.listSigningKeys,
      { pageSize: 1, pageToken: '' },
      admin,
    );
    expect(outcome.ok?.keys.map(({ keyId }) => keyId)).toEqual(['key-9']);
  });

  test('returns the key that it created', async () => {
    const outcome = await call(signingKeys, signingKeys.rotateSigningKey, {}, admin);
    expect(outcome.ok?.key).toMatchObject({
      keyId: 'key-4',
      state: SigningKeyState.SIGNING,
      signsUntil: undefined,
    });
    expect(asked).toEqual([['rotate', actor]]);
  });
});
