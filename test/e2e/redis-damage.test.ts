import { credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import type { SignedIn } from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency, ValidationServiceClient } from '../../src/gen/latchkey/v1/validation.ts';
import { WatchCall } from '../grpc/support/watch-call.ts';
import { eventually } from '../support/eventually.ts';
import { ServicesOnRedis } from '../support/services-on-redis.ts';

const UNAUTHENTICATED = 16;
const PASSWORD = 'correct horse battery';

describe('a service on a Redis with damaged data', () => {
  let services: ServicesOnRedis;

  beforeEach(async () => {
    services = await ServicesOnRedis.open();
  });

  afterEach(() => services.close());

  const start = async () => {
    const { service, identity } = await services.start(PASSWORD);
    const validation = new ValidationServiceClient(service.address, credentials.createInsecure());
    const users = new UserServiceClient(service.address, credentials.createInsecure());
    services.onClose(() => [validation, users].forEach((client) => void client.close()));
    return { service, identity, validation, users };
  };
  const keysOf = ({ session }: SignedIn) => {
    const { sessions, tombstonePrefix } = userKeys(session?.userId ?? '');
    const field = session?.sessionId ?? '';
    return { sessions, field, tombstone: tombstonePrefix + field };
  };

  test('sends every revocation although one is damaged, also after a restart', async () => {
    const { service, identity, validation } = await start();
    const damaged = await identity.login({ password: PASSWORD });
    const logout = { $case: 'refreshToken', value: damaged.tokens?.refreshToken ?? '' } as const;
    await services.redis.with((client) =>
      client.hset(keysOf(damaged).tombstone, 'reason', 'LOGGED_OUT', 'ended_at', 'soon'),
    );
    const stream = await new WatchCall(validation).current();
    await identity.logout(logout);
    await eventually(() => stream.sessionIds.includes(damaged.session?.sessionId ?? ''));
    await service.stop();

    const again = await start();
    const after = await new WatchCall(again.validation).current();
    expect(after.sessionIds).toContain(damaged.session?.sessionId);
    after.cancel();
  }, 30_000);

  test('refuses a session whose record cannot be parsed, logs it once, and can disable its user', async () => {
    const { service, identity, users } = await start();
    const admin = await identity.login({ password: PASSWORD });
    const caller = new Metadata();
    caller.set('authorization', `Bearer ${admin.tokens?.accessToken}`);
    const credential = { $case: 'password', value: PASSWORD } as const;
    await new Promise<void>((resolve, reject) => {
      const user = { username: 'mia', roles: [], credential };
      users.createUser(user, caller, (error) => (error ? reject(error) : resolve()));
    });
    const mia = { username: 'mia', password: PASSWORD };
    const [damaged, healthy] = [await identity.login(mia), await identity.login(mia)];
    const { sessions, field } = keysOf(damaged);
    await services.redis.with((client) => client.hset(sessions, field, 'rubbish'));

    const strong = { consistency: Consistency.STRONG };
    for (let time = 0; time < 2; time += 1) {
      const { verdict } = await identity.validate(damaged.tokens?.accessToken ?? '', strong);
      expect(verdict?.$case).toBe('rejection');
    }
    await identity.refresh(healthy.tokens?.refreshToken ?? '');
    await identity.login(mia);
    await new Promise<void>((resolve, reject) => {
      const request = { userId: damaged.session?.userId ?? '' };
      users.disableUser(request, caller, (error) => (error ? reject(error) : resolve()));
    });
    for (const { tokens } of [damaged, healthy]) {
      await expect(identity.refresh(tokens?.refreshToken ?? '')).rejects.toMatchObject({
        code: UNAUTHENTICATED,
      });
    }
    const logged = service.log.filter(({ level }) => level === 'error');
    expect(logged).toEqual([expect.objectContaining({ id: damaged.session?.sessionId })]);
  }, 30_000);
});
