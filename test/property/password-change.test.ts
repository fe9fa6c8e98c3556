import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { User } from '../../src/core/user/user.ts';
import { outcomeOf } from '../support/failing.ts';
import { Interleaving } from '../support/interleaving.ts';
import { NEW, OLD, PasswordWorld, type RunStep } from '../support/password-world.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';

/**
 * A change of the password and what goes on beside it, in every order of the steps that decide: the readings of the user
 * record, its write, and the steps of the session store.
 */
const DECISIVE = new Set(['findById', 'findByUsernameKey', 'update', 'create', 'rotate', 'endOutdated']);

interface OpenSession {
  readonly session: Session;
  readonly accessToken: string;
  refreshToken: string;
}

/** One user with two sessions; the one at `kept` changes the password. */
class Scene {
  readonly passwords: PasswordWorld;
  readonly user: User;
  readonly kept: OpenSession;
  readonly other: OpenSession;
  /** Sessions that may live after the change, besides the kept one. */
  readonly current: string[] = [];
  /** Tokens of every other session that was opened or refreshed. */
  readonly outdated: { accessToken: string; refreshToken: string }[] = [];
  revision: string | undefined;

  private constructor(passwords: PasswordWorld, user: User, kept: OpenSession, other: OpenSession) {
    this.passwords = passwords;
    this.user = user;
    this.kept = kept;
    this.other = other;
    this.outdated.push(other);
  }

  static async set(passwords: PasswordWorld): Promise<Scene> {
    const user = await passwords.addUser();
    const open = async (): Promise<OpenSession> => {
      const { session, tokens } = await passwords.signIn(user, OLD);
      return { session, accessToken: tokens.accessToken, refreshToken: tokens.refreshToken };
    };
    return new Scene(passwords, user, await open(), await open());
  }

  change = async (): Promise<string> => {
    const { revision } = await this.passwords.change(this.kept.session);
    this.revision = revision ?? this.revision;
    return 'changed';
  };

  changeFromOther = (): Promise<string> =>
    outcomeOf(this.passwords.change(this.other.session, { newPassword: 'and yet another one' }));

  signInWithOld = async (): Promise<string> =>
    outcomeOf(
      this.passwords.signIn(this.user, OLD).then(({ tokens }) => {
        this.outdated.push(tokens);
      }),
    );

  signInWithNew = async (): Promise<string> =>
    outcomeOf(
      this.passwords.signIn(this.user, NEW).then(({ session }) => {
        this.current.push(session.sessionId);
      }),
    );

  refreshOther = async (): Promise<string> =>
    outcomeOf(
      this.passwords.world.refresh(this.other.refreshToken).then(({ tokens }) => {
        this.outdated.push(tokens);
      }),
    );

  refreshKept = async (): Promise<string> =>
    outcomeOf(
      this.passwords.world.refresh(this.kept.refreshToken).then(({ tokens }) => {
        this.kept.refreshToken = tokens.refreshToken;
      }),
    );

  setByAdmin = async (): Promise<string> => {
    const { users, world } = this.passwords;
    const changed = await users.update(this.user.userId, { endsSessions: true, passwordHash: '' }, 1);
    const actor = { kind: 'operator' } as const;
    await world.ender.endUser(this.user.userId, changed.securityVersion, 'PASSWORD_CHANGED', actor);
    return 'set';
  };

  /** What is wrong after the change was acknowledged. */
  async faults(): Promise<readonly string[]> {
    const { passwords, user, kept } = this;
    const faults: string[] = [];
    const living = await passwords.living(user);
    const expected = [kept.session.sessionId, ...this.current].toSorted();
    if (living.toSorted().join() !== expected.join()) faults.push(`${living.length} live`);
    for (const { accessToken, refreshToken } of this.outdated) {
      const verdict = await passwords.verdict(accessToken, this.revision);
      if (verdict !== 'PASSWORD_CHANGED') faults.push(`an access token: ${verdict}`);
      const refreshed = await outcomeOf(passwords.world.refresh(refreshToken));
      if (refreshed !== 'SESSION_ENDED') faults.push(`a refresh token: ${refreshed}`);
    }
    const verdict = await passwords.verdict(kept.accessToken, this.revision);
    if (verdict !== 'accepted') faults.push(`the access token of the kept session: ${verdict}`);
    const refreshed = await this.refreshKept();
    if (refreshed !== 'ok') faults.push(`the refresh token of the kept session: ${refreshed}`);
    return faults;
  }
}

describe.each(['memory', 'Redis'])('a change of the password, with sessions in %s,', (where) => {
  let redis: RedisServer | undefined;
  let stores: RedisStores | undefined;
  let passwords: PasswordWorld;
  const steps: { run: RunStep } = { run: (_, work) => work() };

  beforeAll(async () => {
    if (where === 'Redis') {
      redis = await RedisServer.start();
      stores = await RedisStores.open(singleRedis(redis.port));
    }
    passwords = await PasswordWorld.open(stores && { store: stores.sessions, log: stores.log }, steps);
  });

  afterAll(async () => {
    await passwords?.close();
    stores?.close();
    await redis?.stop();
  });

  /** Runs participants in every order of their steps. Returns the number of orders and the outcomes that occurred. */
  const inEveryOrder = async (
    participants: (scene: Scene) => readonly (() => Promise<string>)[],
    faultsOf: (scene: Scene) => Promise<readonly string[]> = (scene) => scene.faults(),
  ) => {
    const outcomes = new Set<string>();
    const faults: string[] = [];
    const count = await Interleaving.inEveryOrder(async (order) => {
      const scene = await Scene.set(passwords);
      steps.run = (name, work) => (DECISIVE.has(name) ? order.step(work) : work());
      try {
        outcomes.add((await order.run(participants(scene))).join(', '));
      } finally {
        steps.run = (_, work) => work();
      }
      for (const fault of await faultsOf(scene)) faults.push(`${order.name}: ${fault}`);
    });
    expect(faults).toEqual([]);
    return { count, outcomes: [...outcomes].toSorted() };
  };

  test('leaves no session of a login with the old password', async () => {
    const { count, outcomes } = await inEveryOrder((scene) => [scene.change, scene.signInWithOld]);
    expect(count).toBeGreaterThan(15);
    expect(outcomes).toEqual(['changed, INVALID_CREDENTIALS', 'changed, ok']);
  });

  test('leaves the session of a login with the new password', async () => {
    const { outcomes } = await inEveryOrder((scene) => [scene.change, scene.signInWithNew]);
    expect(outcomes).toEqual(['changed, INVALID_CREDENTIALS', 'changed, ok']);
  });

  test('ends another session, whatever its refresh does', async () => {
    const { outcomes } = await inEveryOrder((scene) => [scene.change, scene.refreshOther]);
    expect(outcomes).toEqual(['changed, SESSION_ENDED', 'changed, ok']);
  });

  test('keeps its own session, whatever its refresh does', async () => {
    const { outcomes } = await inEveryOrder((scene) => [scene.change, scene.refreshKept]);
    expect(outcomes).toEqual(['changed, ok']);
  });

  test('leaves what it should of a login and a refresh at the same time', async () => {
    const { count } = await inEveryOrder((scene) => [scene.change, scene.signInWithOld, scene.refreshKept]);
    expect(count).toBeGreaterThan(400);
  }, 60_000);

  test('completes what the same call began a moment before', async () => {
    const { outcomes } = await inEveryOrder((scene) => [scene.change, scene.change]);
    expect(outcomes).toEqual(['changed, changed']);
  });

  test('is made by one of two sessions, and the other one ends', async () => {
    const { outcomes } = await inEveryOrder(
      (scene) => [() => outcomeOf(scene.change()), scene.changeFromOther],
      async (scene) => {
        const living = await passwords.living(scene.user);
        const { keptSessionId } = (await passwords.user(scene.user)) ?? {};
        return living.join() === keptSessionId ? [] : [`${living.length} live`];
      },
    );
    expect(outcomes).toEqual(['CALLER_UNAUTHENTICATED, ok', 'ok, CALLER_UNAUTHENTICATED']);
  });

  test('keeps nothing where an administrator sets the password at the same time', async () => {
    const { outcomes } = await inEveryOrder(
      (scene) => [() => outcomeOf(scene.change()), scene.setByAdmin],
      async (scene) => {
        const living = await passwords.living(scene.user);
        return living.length === 0 ? [] : [`${living.length} live`];
      },
    );
    expect(outcomes).toEqual(['CALLER_UNAUTHENTICATED, set', 'ok, set']);
  });
});
