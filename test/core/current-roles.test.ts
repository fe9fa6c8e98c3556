import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { User } from '../../src/core/user/user.ts';
import { CurrentRoles } from '../../src/core/validation/current-roles.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { SessionWorld } from '../support/session-world.ts';

const STRONG: Requirements = { consistency: 'STRONG' };

describe('a verdict with current roles', () => {
  let world: SessionWorld;
  let admin: User;
  let accessToken: string;
  let current: CurrentRoles;

  beforeEach(async () => {
    world = await SessionWorld.open();
    admin = world.addUser({ roles: ['admin'] });
    ({ accessToken } = (await world.open(admin)).tokens);
    current = new CurrentRoles(world.tokens, { findById: async (userId) => world.users.get(userId) });
  });

  afterEach(() => world.close());

  const validate = async () => (await current.validate(accessToken, STRONG)).verdict;

  test('has the current roles, although the token was issued with others', async () => {
    expect(await validate()).toMatchObject({ kind: 'accepted', claims: { roles: ['admin'] } });
    world.changeUser(admin, { roles: ['reader'] });
    expect(await validate()).toMatchObject({
      kind: 'accepted',
      claims: { roles: ['reader'], userId: admin.userId },
    });
  });

  test("does not change the service's own verdict on the token", async () => {
    world.changeUser(admin, { roles: [] });
    await validate();
    const { verdict } = await world.tokens.validate(accessToken, STRONG);
    expect(verdict).toMatchObject({ kind: 'accepted', claims: { roles: ['admin'] } });
  });

  test('rejects a disabled or deleted user, even before the session has ended', async () => {
    world.changeUser(admin, { disabledAt: world.clock.now() });
    expect(await validate()).toMatchObject({ reason: 'SESSION_ENDED', endReason: 'USER_DISABLED' });
    world.users.delete(admin.userId);
    expect(await validate()).toMatchObject({ reason: 'SESSION_ENDED', endReason: 'USER_DELETED' });
  });

  test('rejects an invalid token without reading the user', async () => {
    const findById = () => Promise.reject(new Error('not to be asked'));
    const { verdict } = await new CurrentRoles(world.tokens, { findById }).validate('rubbish', STRONG);
    expect(verdict).toMatchObject({ reason: 'MALFORMED' });
  });

  test('is not given while the user cannot be read', async () => {
    const findById = () => Promise.reject(storeUnavailable('users', new Error('cut')));
    await expect(
      new CurrentRoles(world.tokens, { findById }).validate(accessToken, STRONG),
    ).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  });
});
