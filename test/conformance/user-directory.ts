import { beforeEach, describe, expect, test } from '@jest/globals';
import type { DevicePolicy } from '../../src/core/user/device-policy.ts';
import type { UserDirectory } from '../../src/core/user/user-directory.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { aUser, USERS_SINCE, userIdOf } from '../support/users.ts';

const LATER = USERS_SINCE + 1000;
const ROUNDS = 10;

/** The law of `UserDirectory`. @param open opens one empty directory twice, as two processes would. */
export function userDirectoryLaw(
  name: string,
  open: () => Promise<readonly [UserDirectory, UserDirectory]>,
): void {
  describe(`the user directory (${name})`, () => {
    let users: UserDirectory;
    let elsewhere: UserDirectory;

    beforeEach(async () => {
      [users, elsewhere] = await open();
    });

    describe('looking up', () => {
      test('finds a user by id and by username, from every process, with all stored fields', async () => {
        const ada = aUser(1, { username: 'Ada', roles: ['admin', 'a.b:c-d'], disabledAt: LATER });
        await users.insert(ada);
        for (const directory of [users, elsewhere]) {
          expect(await directory.findById(ada.userId)).toEqual(ada);
          expect(await directory.findByUsernameKey('ada')).toEqual(ada);
        }
      });

      test('does not find a missing user, whatever the key', async () => {
        await users.insert(aUser(1, { username: 'a\ufffd' }));
        for (const key of ['', 'nobody', "' or 1=1 --", '\0', 'a\0', 'a\ud800', 'x'.repeat(10_000)]) {
          expect(await users.findById(key)).toBeUndefined();
          expect(await users.findByUsernameKey(key)).toBeUndefined();
        }
      });

      test('compares usernames byte by byte, without folding case', async () => {
        await users.insert(aUser(1, { usernameKey: 'ada' }));
        await users.insert(aUser(2, { usernameKey: 'Ada' }));
        expect((await users.findByUsernameKey('Ada'))?.userId).toBe(userIdOf(2));
      });

      test('answers a ping', async () => {
        await expect(users.ping()).resolves.toBeUndefined();
      });
    });

    describe('listing', () => {
      test('pages through all users in the order of their ids', async () => {
        for (const n of [3, 1, 5, 2, 4]) await users.insert(aUser(n));
        const first = await users.list(2, undefined);
        expect(first.users.map(({ userId }) => userId)).toEqual([userIdOf(1), userIdOf(2)]);
        const second = await users.list(2, first.next);
        expect(second.users.map(({ userId }) => userId)).toEqual([userIdOf(3), userIdOf(4)]);
        expect(await users.list(2, second.next)).toEqual({ users: [aUser(5)], next: undefined });
      });

      test('ends the list at the last user of a full page', async () => {
        for (const n of [1, 2]) await users.insert(aUser(n));
        expect((await users.list(2, undefined)).next).toBeUndefined();
      });

      test('returns an empty page without users', async () => {
        expect(await users.list(10, undefined)).toEqual({ users: [], next: undefined });
      });
    });

    describe('inserting', () => {
      test('refuses a username that is taken, and does not change its owner', async () => {
        await users.insert(aUser(1, { username: 'Ada' }));
        const { reason } = await failureOf(elsewhere.insert(aUser(2, { username: 'ADA' })));
        expect(reason).toBe('USERNAME_TAKEN');
        expect(await users.findByUsernameKey('ada')).toEqual(aUser(1, { username: 'Ada' }));
        expect(await users.findById(userIdOf(2))).toBeUndefined();
      });

      test('accepts one of many concurrent inserts with one username', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const outcomes = await Promise.all(
            [users, elsewhere, users, elsewhere].map((directory, index) =>
              outcomeOf(directory.insert(aUser(10 * round + index, { username: `name${round}` }))),
            ),
          );
          expect(outcomes.sort()).toEqual(['USERNAME_TAKEN', 'USERNAME_TAKEN', 'USERNAME_TAKEN', 'ok']);
        }
      });

      test('inserts the first user only while there is none', async () => {
        expect(await users.insertFirst(aUser(1))).toBe(true);
        expect(await elsewhere.insertFirst(aUser(2))).toBe(false);
        expect((await users.list(10, undefined)).users).toEqual([aUser(1)]);
      });

      test('inserts the first user once from many concurrent processes', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const candidates = Array.from({ length: 6 }, (_, index) => aUser(10 * round + index));
          const made = await Promise.all(
            candidates.map((user, index) => (index % 2 === 0 ? users : elsewhere).insertFirst(user)),
          );
          const stored = (await users.list(10, undefined)).users;
          expect(stored).toEqual(candidates.filter((_, index) => made[index]));
          expect(stored).toHaveLength(1);
          await users.delete(stored[0]?.userId ?? '');
        }
      });
    });

    describe('updating', () => {
      test('changes what is requested, increments the version, and nothing else', async () => {
        await users.insert(aUser(1));
        const change = {
          username: 'Grace',
          usernameKey: 'grace',
          roles: ['reader'],
          passwordHash: 'another',
          passwordChangedAt: LATER,
        };
        const expected = aUser(1, { ...change, updatedAt: LATER, version: 2 });
        expect(await users.update(userIdOf(1), change, LATER)).toEqual(expected);
        expect(await elsewhere.findById(userIdOf(1))).toEqual(expected);
        expect(await elsewhere.findByUsernameKey('user1')).toBeUndefined();
      });

      test('sets the device policy, leaves it alone and removes it', async () => {
        const policies: readonly DevicePolicy[] = [
          { kind: 'limit', maxSessions: 3, atLimit: 'refuse' },
          { kind: 'one-per-platform', atLimit: 'replace' },
          { kind: 'one', atLimit: 'refuse' },
          { kind: 'unlimited' },
        ];
        await users.insert(aUser(1, { devicePolicy: policies[0] }));
        expect(await elsewhere.findById(userIdOf(1))).toMatchObject({ devicePolicy: policies[0] });
        for (const devicePolicy of policies) {
          await users.update(userIdOf(1), { devicePolicy }, LATER);
          const touched = await users.update(userIdOf(1), { roles: ['reader'] }, LATER);
          expect(touched.devicePolicy).toEqual(devicePolicy);
          expect((await elsewhere.findById(userIdOf(1)))?.devicePolicy).toEqual(devicePolicy);
        }
        const removed = await users.update(userIdOf(1), { devicePolicy: null }, LATER);
        expect(removed.devicePolicy).toBeUndefined();
      });

      test('disables and enables a user, or changes neither', async () => {
        await users.insert(aUser(1));
        const disabled = await users.update(userIdOf(1), { disabledAt: LATER, endsSessions: true }, LATER);
        expect(disabled).toMatchObject({ disabledAt: LATER, version: 2, securityVersion: 2 });
        const touched = await users.update(userIdOf(1), { roles: ['reader'] }, LATER);
        expect(touched).toMatchObject({ disabledAt: LATER, version: 3, securityVersion: 2 });
        const enabled = await users.update(userIdOf(1), { disabledAt: null }, LATER);
        expect(enabled).toMatchObject({ disabledAt: undefined, version: 4, securityVersion: 2 });
      });

      test('names the session that a change kept, until another change ends sessions', async () => {
        await users.insert(aUser(1));
        const keptSessionId = userIdOf(77);
        const change = { passwordHash: 'another', endsSessions: true };
        const kept = await users.update(userIdOf(1), { ...change, keptSessionId }, LATER);
        expect(kept).toMatchObject({ keptSessionId, securityVersion: 2 });
        await users.update(userIdOf(1), { passwordHash: 'rehashed', roles: ['reader'] }, LATER);
        expect(await elsewhere.findById(userIdOf(1))).toMatchObject({ keptSessionId, securityVersion: 2 });
        const ended = await users.update(userIdOf(1), change, LATER);
        expect(ended).toMatchObject({ keptSessionId: undefined, securityVersion: 3 });
        await users.insert(aUser(2, { keptSessionId }));
        expect(await elsewhere.findById(userIdOf(2))).toMatchObject({ keptSessionId });
      });

      test('is USER_NOT_FOUND for a missing user, with or without a version', async () => {
        for (const conditions of [{}, { ifVersion: 1 }, { keepAnAdmin: true }]) {
          const { reason } = await failureOf(users.update(userIdOf(9), { roles: [] }, LATER, conditions));
          expect(reason).toBe('USER_NOT_FOUND');
        }
      });

      test("refuses a username that is taken, but accepts another spelling of one's own", async () => {
        await users.insert(aUser(1, { username: 'ada' }));
        await users.insert(aUser(2, { username: 'grace' }));
        const taken = users.update(userIdOf(2), { username: 'ada', usernameKey: 'ada' }, LATER);
        expect((await failureOf(taken)).reason).toBe('USERNAME_TAKEN');
        expect(await users.findById(userIdOf(2))).toEqual(aUser(2, { username: 'grace' }));
        const respelt = await users.update(userIdOf(1), { username: 'ADA', usernameKey: 'ada' }, LATER);
        expect(respelt.username).toBe('ADA');
      });

      test('refuses another version than the current one, and returns the current one', async () => {
        await users.insert(aUser(1));
        await elsewhere.update(userIdOf(1), { roles: ['reader'] }, LATER);
        const stale = await failureOf(users.update(userIdOf(1), { roles: [] }, LATER, { ifVersion: 1 }));
        expect(stale.reason).toBe('USER_CHANGED');
        expect(stale.metadata).toEqual({ etag: '2' });
        expect(await users.update(userIdOf(1), { roles: [] }, LATER, { ifVersion: 2 })).toMatchObject({
          version: 3,
        });
      });

      test('loses no increment under concurrency', async () => {
        await users.insert(aUser(1));
        await Promise.all(
          [users, elsewhere, users, elsewhere, users, elsewhere].map((directory) =>
            directory.update(userIdOf(1), { endsSessions: true }, LATER),
          ),
        );
        expect(await users.findById(userIdOf(1))).toMatchObject({ version: 7, securityVersion: 7 });
      });
    });

    describe('keeping an admin', () => {
      const keepAnAdmin = { keepAnAdmin: true };
      const admin = { roles: ['admin'] };

      test('refuses to disable or demote the last one, and does not change it', async () => {
        await users.insert(aUser(1, admin));
        await users.insert(aUser(2, { ...admin, disabledAt: LATER }));
        await users.insert(aUser(3, { roles: ['administrator', 'not-admin'] }));
        for (const change of [{ disabledAt: LATER }, { roles: ['reader'] }]) {
          const refused = await failureOf(users.update(userIdOf(1), change, LATER, keepAnAdmin));
          expect(refused.reason).toBe('LAST_ADMIN');
        }
        expect(await users.findById(userIdOf(1))).toEqual(aUser(1, admin));
      });

      test('allows other changes of the last one, and all changes of other users', async () => {
        await users.insert(aUser(1, admin));
        await users.insert(aUser(2));
        await users.update(userIdOf(1), { roles: ['admin', 'reader'] }, LATER, keepAnAdmin);
        await users.update(userIdOf(2), { disabledAt: LATER, roles: ['reader'] }, LATER, keepAnAdmin);
      });

      test('removes one of two admins, but not both at the same time', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const [a, b] = [aUser(2 * round, admin), aUser(2 * round + 1, admin)];
          await users.insert(a);
          await users.insert(b);
          const outcomes = await Promise.all([
            outcomeOf(users.update(a.userId, { disabledAt: LATER }, LATER, keepAnAdmin)),
            outcomeOf(elsewhere.update(b.userId, { roles: [] }, LATER, keepAnAdmin)),
          ]);
          expect(outcomes.sort()).toEqual(['LAST_ADMIN', 'ok']);
          await users.delete(a.userId);
          await users.delete(b.userId);
        }
      });
    });

    describe('deleting', () => {
      test('returns whether the user existed, and frees the username', async () => {
        await users.insert(aUser(1, { username: 'ada' }));
        expect(await elsewhere.delete(userIdOf(1))).toBe(true);
        expect(await users.delete(userIdOf(1))).toBe(false);
        expect(await users.delete(userIdOf(1), { ifVersion: 1 })).toBe(false);
        await users.insert(aUser(2, { username: 'ada' }));
      });

      test('refuses another version than the current one', async () => {
        await users.insert(aUser(1));
        await elsewhere.update(userIdOf(1), { roles: [] }, LATER);
        const stale = await failureOf(users.delete(userIdOf(1), { ifVersion: 1 }));
        expect([stale.reason, stale.metadata]).toEqual(['USER_CHANGED', { etag: '2' }]);
        expect(await users.delete(userIdOf(1), { ifVersion: 2 })).toBe(true);
      });
    });
  });
}
