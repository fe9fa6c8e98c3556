import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import type { SignedIn } from '../../src/gen/latchkey/v1/identity.ts';
import { EndReason, SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { call } from '../grpc/support/unary-call.ts';
import type { IdentityClient } from '../support/identity-client.ts';
import type { LatchkeyProcess } from '../support/latchkey-process.ts';
import { ServicesOnRedis } from '../support/services-on-redis.ts';

const ADMIN = 'correct horse battery';
const OLD = 'the password before';
const NEW = 'a horse of another colour';

interface Service {
  readonly process: LatchkeyProcess;
  readonly identity: IdentityClient;
  readonly sessions: SessionServiceClient;
  readonly users: UserServiceClient;
}

/** A user who is signed in twice. */
interface Person {
  readonly userId: string;
  readonly first: SignedIn;
  readonly second: SignedIn;
}

let services: ServicesOnRedis;

beforeEach(async () => {
  services = await ServicesOnRedis.open();
});

afterEach(() => services.close());

async function start(): Promise<Service> {
  const { service: process, identity } = await services.start(ADMIN);
  const sessions = new SessionServiceClient(process.address, credentials.createInsecure());
  const users = new UserServiceClient(process.address, credentials.createInsecure());
  for (const client of [sessions, users]) services.onClose(() => client.close());
  return { process, identity, sessions, users };
}

const as = ({ tokens }: SignedIn) => ({ metadata: { authorization: `Bearer ${tokens?.accessToken}` } });

async function addPerson({ users, identity }: Service, admin: SignedIn, username: string): Promise<Person> {
  const credential = { $case: 'password' as const, value: OLD };
  const { ok } = await call(users, users.createUser, { username, roles: [], credential }, as(admin));
  const signIn = () => identity.login({ username, password: OLD });
  return { userId: ok?.user?.userId ?? '', first: await signIn(), second: await signIn() };
}

const changePassword = ({ sessions }: Service, { first }: Person, current: string, next: string) => {
  const passwords = { currentPassword: current, newPassword: next };
  return call(
    sessions,
    sessions.changePassword,
    { ...passwords, origin: undefined, deviceToken: '' },
    as(first),
  );
};

/** What ends the sessions of a user. Each returns the revision of the ends. */
const CHANGES = {
  ChangePassword: async (service: Service, _: SignedIn, person: Person) =>
    (await changePassword(service, person, OLD, NEW)).ok?.revision,
  SetPassword: async ({ users }: Service, admin: SignedIn, { userId }: Person) =>
    (await call(users, users.setPassword, { userId, password: NEW }, as(admin))).ok?.revision,
  DisableUser: async ({ users }: Service, admin: SignedIn, { userId }: Person) => {
    const { ok } = await call(users, users.disableUser, { userId }, as(admin));
    await call(users, users.enableUser, { userId }, as(admin));
    return ok?.revision;
  },
  DeleteUser: async ({ users }: Service, admin: SignedIn, { userId }: Person) =>
    (await call(users, users.deleteUser, { userId }, as(admin))).ok?.revision,
} as const;

type Change = keyof typeof CHANGES;

/** What becomes of both sessions of each user. */
async function ofEach<Result>(
  people: ReadonlyMap<Change, Person>,
  resultOf: (signedIn: SignedIn, change: Change) => Promise<Result>,
): Promise<Readonly<Record<string, readonly Result[]>>> {
  const results: Record<string, readonly Result[]> = {};
  for (const [change, { first, second }] of people) {
    results[change] = [await resultOf(first, change), await resultOf(second, change)];
  }
  return results;
}

test('what ends sessions is felt at another server, and holds in a Redis restored from a copy made before', async () => {
  const [here, elsewhere] = [await start(), await start()];
  const admin = await here.identity.login({ password: ADMIN });
  const changes = Object.keys(CHANGES) as Change[];
  const people = new Map<Change, Person>();
  for (const change of changes) people.set(change, await addPerson(here, admin, change));
  // Redis saves nothing by itself, so this is what it has after it was killed.
  await services.redis.with((inspected) => inspected.save());

  const revisions = new Map<Change, string>();
  for (const [change, person] of people) {
    revisions.set(change, (await CHANGES[change](here, admin, person)) ?? 'none');
  }
  const verdicts = await ofEach(people, async ({ tokens }, change) => {
    const atLeastRevision = revisions.get(change) ?? '';
    const { verdict } = await elsewhere.identity.validate(tokens?.accessToken ?? '', { atLeastRevision });
    return verdict?.$case === 'rejection' ? verdict.value.endReason : 'accepted';
  });
  expect(verdicts).toEqual({
    ChangePassword: ['accepted', EndReason.PASSWORD_CHANGED],
    SetPassword: [EndReason.PASSWORD_CHANGED, EndReason.PASSWORD_CHANGED],
    DisableUser: [EndReason.USER_DISABLED, EndReason.USER_DISABLED],
    DeleteUser: [EndReason.USER_DELETED, EndReason.USER_DELETED],
  });

  // Their copies of the log would end the sessions again.
  for (const service of [here, elsewhere]) await service.process.stop();
  await services.redis.kill();
  await services.redis.resume();
  const restored = await start();
  for (const { userId } of people.values()) {
    expect(await services.redis.with((inspected) => inspected.hlen(`lk:{${userId}}`))).toBe(2);
  }
  const setPassword = people.get('SetPassword');
  if (setPassword === undefined) throw new Error('nobody');
  // Its token is accepted, because the restored record is living.
  expect(await changePassword(restored, setPassword, NEW, OLD)).toMatchObject({
    ...{ reason: 'CALLER_UNAUTHENTICATED', message: 'The session of the caller has ended; sign in again.' },
  });
  const refreshes = await ofEach(people, ({ tokens }) =>
    restored.identity.refresh(tokens?.refreshToken ?? '').then(
      () => 'ok',
      ({ details }) => String(details),
    ),
  );
  const ended = 'The session has ended; sign in again.';
  expect(refreshes).toEqual({
    ChangePassword: ['ok', ended],
    SetPassword: [ended, ended],
    DisableUser: [ended, ended],
    DeleteUser: [ended, ended],
  });
  const old = restored.identity.login({ username: 'ChangePassword', password: OLD });
  await expect(old).rejects.toMatchObject({ details: 'Invalid username or password.' });
}, 60_000);
