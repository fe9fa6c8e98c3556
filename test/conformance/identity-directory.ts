import { beforeEach, describe, expect, test } from '@jest/globals';
import { NO_PASSWORD } from '../../src/core/password/password-scheme.ts';
import type { Identity, IdentityDirectory } from '../../src/core/user/identity-directory.ts';
import type { UserDirectory } from '../../src/core/user/user-directory.ts';
import { outcomeOf } from '../support/failing.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { aUser, USERS_SINCE, userIdOf } from '../support/users.ts';

const AT_ONCE = 4;

export interface OpenedIdentities {
  readonly users: UserDirectory;
  readonly identities: IdentityDirectory;
}

/** An identity of the nth user. */
export function anIdentity(n: number, given: Partial<Identity> = {}): Identity {
  return {
    ...{ provider: 'acme', subject: `subject-${n}`, userId: userIdOf(n), displayName: 'Ada' },
    ...{ linkedAt: USERS_SINCE, lastUsedAt: undefined },
    ...given,
  };
}

/**
 * The law of `IdentityDirectory`.
 *
 * @param open opens one empty database twice, as two processes would.
 * @param eventsOf how many of these audit events are stored.
 */
export function identityDirectoryLaw(
  name: string,
  open: () => Promise<readonly [OpenedIdentities, OpenedIdentities]>,
  eventsOf: (opened: OpenedIdentities) => Promise<number>,
): void {
  describe(`the identities of users (${name})`, () => {
    let one: OpenedIdentities;
    let other: OpenedIdentities;
    let events = 0;
    const audit = () => anAuditEvent(++events, { kind: 'IdentityLinked' });

    beforeEach(async () => {
      [one, other] = await open();
      for (const n of [1, 2]) await one.users.insert(aUser(n));
    });

    test('are found by provider and subject, byte by byte, from every process', async () => {
      const identity = anIdentity(1, { subject: 'Sub', lastUsedAt: USERS_SINCE + 5 });
      expect(await one.identities.link(identity, audit())).toEqual({ identity, isNew: true });
      for (const { identities } of [one, other]) {
        expect(await identities.find(identity)).toEqual(identity);
        expect(await identities.find({ provider: 'acme', subject: 'sub' })).toBeUndefined();
        expect(await identities.find({ provider: 'other', subject: 'Sub' })).toBeUndefined();
      }
    });

    test('are linked once, and a repeat stores no event', async () => {
      const first = anIdentity(1);
      await one.identities.link(first, audit());
      const again = { ...first, linkedAt: USERS_SINCE + 9 };
      expect(await other.identities.link(again, audit())).toEqual({ identity: first, isNew: false });
      expect(await eventsOf(one)).toBe(1);
    });

    test('belong to one user, also if several link at the same time', async () => {
      const attempts = Array.from({ length: AT_ONCE }, (_, n) =>
        outcomeOf(
          [one, other][n % 2]?.identities.link(
            anIdentity(1, { userId: userIdOf(1 + (n % 2)) }),
            audit(),
          ) as Promise<unknown>,
        ),
      );
      const outcomes = await Promise.all(attempts);
      const found = await one.identities.find(anIdentity(1));
      const losers = outcomes.filter((outcome) => outcome === 'IDENTITY_TAKEN');
      expect(losers).toHaveLength(AT_ONCE / 2);
      expect([userIdOf(1), userIdOf(2)]).toContain(found?.userId);
      expect(await eventsOf(one)).toBe(1);
    });

    test('need a user, and go with the user', async () => {
      expect(await outcomeOf(one.identities.link(anIdentity(3), audit()))).toBe('USER_NOT_FOUND');
      await one.identities.link(anIdentity(1), audit());
      await one.users.delete(userIdOf(1));
      expect(await other.identities.find(anIdentity(1))).toBeUndefined();
      expect(await one.identities.listOf(userIdOf(1))).toEqual([]);
      expect(await outcomeOf(one.identities.link(anIdentity(1, { userId: userIdOf(2) }), audit()))).toBe(
        'ok',
      );
    });

    test('are listed in the order in which they were linked', async () => {
      const linked = [3, 1, 2].map((at) => anIdentity(1, { subject: `s${at}`, linkedAt: USERS_SINCE + at }));
      for (const identity of linked) await one.identities.link(identity, audit());
      await one.identities.link(anIdentity(2), audit());
      const listed = await one.identities.listOf(userIdOf(1));
      expect(listed.map(({ subject }) => subject)).toEqual(['s1', 's2', 's3']);
    });

    test('note when they were used, and how the provider names them now', async () => {
      await one.identities.link(anIdentity(1), audit());
      await one.identities.recordSignIn(anIdentity(1), USERS_SINCE + 7, 'Ada L.');
      await one.identities.recordSignIn(anIdentity(1), USERS_SINCE + 7, '');
      await one.identities.recordSignIn(anIdentity(2), USERS_SINCE + 7, 'nobody');
      expect(await other.identities.find(anIdentity(1))).toMatchObject({
        ...{ lastUsedAt: USERS_SINCE + 7, displayName: 'Ada L.' },
      });
    });

    test('are unlinked from their own user only', async () => {
      await one.identities.link(anIdentity(1), audit());
      const unlink = (userId: string) =>
        other.identities.unlink(userId, anIdentity(1), { keepOne: true, audit: audit() });
      expect(await unlink(userIdOf(2))).toBe(false);
      expect(await unlink(userIdOf(1))).toBe(true);
      expect(await unlink(userIdOf(1))).toBe(false);
      expect(await one.identities.find(anIdentity(1))).toBeUndefined();
      expect(await eventsOf(one)).toBe(2);
    });

    test('come with a user that they create, or not at all', async () => {
      const user = aUser(4, { passwordHash: NO_PASSWORD });
      await one.identities.insertUser(user, anIdentity(4), [audit(), audit()]);
      expect(await other.users.findById(user.userId)).toEqual(user);
      expect(await other.identities.find(anIdentity(4))).toEqual(anIdentity(4));
      expect(await eventsOf(one)).toBe(2);
      const namesake = aUser(5, { username: user.username });
      expect(await outcomeOf(one.identities.insertUser(namesake, anIdentity(5), [audit()]))).toBe(
        'USERNAME_TAKEN',
      );
      expect(await one.identities.find(anIdentity(5))).toBeUndefined();
    });

    test('keep the last way in for a user without a password, also at the same time', async () => {
      const user = aUser(4, { passwordHash: NO_PASSWORD });
      const [first, second] = [anIdentity(4), anIdentity(4, { subject: 'second' })];
      await one.identities.insertUser(user, first, [audit()]);
      await one.identities.link(second, audit());
      const unlink = ({ identities }: OpenedIdentities, identity: Identity, keepOne: boolean) =>
        outcomeOf(identities.unlink(user.userId, identity, { keepOne, audit: audit() }));
      const outcomes = await Promise.all([unlink(one, first, true), unlink(other, second, true)]);
      expect(outcomes.sort()).toEqual(['LAST_SIGN_IN_METHOD', 'ok']);
      const [left] = await one.identities.listOf(user.userId);
      if (left === undefined) throw new Error('both are gone');
      expect(await unlink(one, left, false)).toBe('ok');
    });
  });
}
