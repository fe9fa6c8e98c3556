import { expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import { usernameOf } from '../../src/core/user/user-directory.ts';
import { SessionWorld } from '../support/session-world.ts';

test('the name of a user is empty if there is none, or while the store is unavailable', async () => {
  const world = await SessionWorld.open();
  const users = world.directory;
  const ada = world.addUser({ username: 'Ada' });
  expect(await usernameOf(users, ada.userId)).toBe('Ada');
  expect(await usernameOf(users, 'nobody')).toBe('');
  const findById = () => Promise.reject(storeUnavailable('users', new Error('unreachable')));
  expect(await usernameOf({ findById }, ada.userId)).toBe('');
  await world.close();
});
