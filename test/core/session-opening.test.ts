import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { User } from '../../src/core/user/user.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';

class UncertainStore extends MemorySessionStore {
  broken = false;

  override async ping() {
    if (this.broken) throw storeUnavailable('sessions', new Error('cut'));
  }
}

let store: UncertainStore;
let world: SessionWorld;
let user: User;

beforeEach(async () => {
  const clock = new ManualClock();
  store = new UncertainStore(clock);
  world = await SessionWorld.open({ store }, clock);
  await world.settle();
  user = world.addUser();
});

afterEach(() => world.close());

test('a session is not opened for a user whose sessions end after the record is read again', async () => {
  await world.ender.endUser(user.userId, 2, 'PASSWORD_CHANGED', ADMIN_ACTOR);
  expect(await outcomeOf(world.open(user))).toBe('INVALID_CREDENTIALS');
});

test('the first access token has the current roles, not those read with the credentials', async () => {
  world.changeUser(user, { roles: ['writer'] });
  const { tokens } = await world.open(user);
  const { verdict } = await world.tokens.validate(tokens.accessToken, { consistency: 'BOUNDED' });
  expect(verdict).toMatchObject({ claims: { roles: ['writer'] } });
});

test('a sign-in is refused only if the stores could have opened a session', async () => {
  world.changeUser(user, { securityVersion: 2 });
  const refusals = () =>
    Promise.all([outcomeOf(world.opener.refuse(user.userId)), outcomeOf(world.open(user))]);
  expect(await refusals()).toEqual(['INVALID_CREDENTIALS', 'INVALID_CREDENTIALS']);
  store.broken = true;
  expect(await refusals()).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
  store.broken = false;
  world.users.get = () => {
    throw storeUnavailable('users', new Error('cut'));
  };
  expect(await refusals()).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
});
