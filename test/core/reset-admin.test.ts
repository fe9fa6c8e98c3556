import { beforeEach, describe, expect, test } from '@jest/globals';
import { resetAdmin } from '../../src/core/administration/admin-reset.ts';
import { Failure } from '../../src/core/failure.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryUserDirectory } from '../support/memory-user-directory.ts';
import { RecordedEvents } from '../support/security-events.ts';
import { ids } from '../support/sessions.ts';
import { aUser } from '../support/users.ts';

let directory: MemoryUserDirectory;
let ended: string[];
let unconfirmed: Failure | undefined;

beforeEach(() => {
  directory = new MemoryUserDirectory();
  ended = [];
  unconfirmed = undefined;
});

const events = new RecordedEvents();

const reset = (username: string) =>
  resetAdmin(
    {
      directory,
      passwords: { hash: async (password) => `hash of ${password}` },
      sessions: {
        endUser: async (userId, securityVersion, reason) => {
          if (unconfirmed !== undefined) throw unconfirmed;
          ended.push(`${userId} v${securityVersion} ${reason}`);
          return { revision: '1' };
        },
      },
      clock: new ManualClock(),
      ids,
      events,
    },
    username,
  );

const lostAdmin = async () => {
  const user = aUser(7, { username: 'root', usernameKey: 'root', roles: ['ops'], disabledAt: 1 });
  await directory.insert(user);
  return user.userId;
};

describe('the reset of an admin', () => {
  test('sets a new password, enables the user, gives the role admin and ends the sessions', async () => {
    const userId = await lostAdmin();
    const { user, password, unended } = await reset('ROOT');
    expect(user).toMatchObject({ userId, passwordHash: `hash of ${password}`, roles: ['ops', 'admin'] });
    expect(user.disabledAt).toBeUndefined();
    expect(unended).toBeUndefined();
    expect(ended).toEqual([`${userId} v${user.securityVersion} PASSWORD_CHANGED`]);
    expect(events.all).toMatchObject([
      { kind: 'UserChanged', userId, change: 'PASSWORD_SET', actor: { kind: 'operator' } },
    ]);
    expect(password).toMatch(/^[0-9a-z]{5}(-[0-9a-z]{5}){4}$/);
    expect((await reset('root')).password).not.toBe(password);
  });

  test('reports that sessions may still be live, and still shows the new password', async () => {
    await lostAdmin();
    unconfirmed = new Failure('END_UNCONFIRMED', 'not confirmed');
    const { password, unended, user } = await reset('root');
    expect(unended).toBe(unconfirmed);
    expect(await directory.findById(user.userId)).toMatchObject({ passwordHash: `hash of ${password}` });
  });

  test('succeeds once if two run at the same time, so only a password that is in use is shown', async () => {
    await lostAdmin();
    const results = await Promise.allSettled([reset('root'), reset('root')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const [result] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const stored = await directory.findByUsernameKey('root');
    expect(stored?.passwordHash).toBe(`hash of ${result?.password}`);
    const [refused] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toMatchObject({ reason: 'USER_CHANGED' });
  });

  test('fails for an unknown username', async () => {
    await lostAdmin();
    expect(await failureOf(reset('nobody'))).toMatchObject({ reason: 'USER_NOT_FOUND' });
  });
});
