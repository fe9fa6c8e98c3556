import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PasswordQueue } from '../../src/core/password/password-queue.ts';
import { LoginService } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import { deviceTokens, UNTHROTTLED } from '../support/attempts.ts';
import { outcomeOf } from '../support/failing.ts';
import { passwordsWith } from '../support/passwords.ts';
import { RecordingHasher } from '../support/recording-hasher.ts';
import { NO_RISK } from '../support/risk.ts';
import { ADMIN_ACTOR, NO_EVENTS } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY } from '../support/sessions.ts';

/** Longer than any store remembers a user's cut-off. */
const LONG_WAIT = DAY;
const PASSWORD = 'the password before';

let world: SessionWorld;
let queue: PasswordQueue;
let service: LoginService;
let user: User;

beforeEach(async () => {
  world = await SessionWorld.open();
  const hasher = new RecordingHasher();
  queue = new PasswordQueue({ maxRunning: 1, capacity: 1, monotonic: () => 0 });
  const passwords = passwordsWith({ hasher, queue, cost: 4 });
  user = world.addUser({ username: 'ada', usernameKey: 'ada', passwordHash: await passwords.hash(PASSWORD) });
  service = new LoginService({
    users: {
      findByUsernameKey: async () => world.users.get(user.userId),
      update: async () => user,
    },
    passwords,
    queue,
    throttle: UNTHROTTLED,
    devices: deviceTokens(),
    risk: NO_RISK,
    sessions: world.opener,
    clock: world.clock,
    events: NO_EVENTS,
  });
});

afterEach(() => world.close());

/**
 * Starts a login that waits, runs an action in the meantime, and returns the outcome of the login after a long time.
 */
async function loginDuring(meanwhile: () => Promise<void>): Promise<string> {
  const turn = queue.take();
  const login = service.login({
    username: 'ada',
    password: PASSWORD,
    clientId: 'web',
    device: { deviceId: '', name: '', platform: '' },
    ipAddress: '192.0.2.1',
    network: '192.0.2.1',
    deviceToken: '',
    labels: {},
    endSessionId: '',
    source: { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1' },
  });
  const outcome = outcomeOf(login);
  // The user is read before the login waits.
  await new Promise((resolve) => setImmediate(resolve));
  await meanwhile();
  world.clock.advance(LONG_WAIT);
  turn.leave();
  return outcome;
}

async function endSessions(change: Partial<User>): Promise<void> {
  const changed = world.changeUser(user, { securityVersion: user.securityVersion + 1, ...change });
  await world.ender.endUser(user.userId, changed.securityVersion, 'PASSWORD_CHANGED', ADMIN_ACTOR);
}

test('a login with the old password fails, however long it waited while a new one was set', async () => {
  const outcome = await loginDuring(() => endSessions({ passwordHash: 'another' }));
  expect(outcome).toBe('INVALID_CREDENTIALS');
});

test('a login fails, however long it waited while its user was disabled and enabled again', async () => {
  expect(await loginDuring(() => endSessions({}))).toBe('INVALID_CREDENTIALS');
});

test('a login fails if its user was disabled or deleted while it waited', async () => {
  const disabled = await loginDuring(() => endSessions({ disabledAt: 1 }));
  expect(disabled).toBe('INVALID_CREDENTIALS');
  const deleted = await loginDuring(async () => {
    await endSessions({ disabledAt: undefined });
    world.users.delete(user.userId);
  });
  expect(deleted).toBe('INVALID_CREDENTIALS');
});

test('a login that waited long succeeds if nothing or only the roles changed', async () => {
  expect(await loginDuring(async () => undefined)).toBe('ok');
  const roles = loginDuring(async () => void world.changeUser(user, { roles: ['writer'] }));
  expect(await roles).toBe('ok');
});
