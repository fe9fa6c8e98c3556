import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { SessionWithTokens } from '../../src/core/session/session-tokens.ts';
import type { User } from '../../src/core/user/user.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY, ids } from '../support/sessions.ts';
import { UncertainLog } from '../support/uncertain-log.ts';

/** The session limit per user in a `SessionWorld`. */
const LIMIT = 3;

let clock: ManualClock;
let log: UncertainLog;
let world: SessionWorld;
let user: User;

beforeEach(async () => {
  clock = new ManualClock();
  log = new UncertainLog(DAY);
  world = await SessionWorld.open({ log }, clock);
  await world.settle();
  user = world.addUser();
});

afterEach(() => world.close());

const validate = async (token: string) =>
  (await world.tokens.validate(token, { consistency: 'BOUNDED' })).verdict;

describe('a login of a user who has sessions', () => {
  /** As many sessions as the policy allows, oldest first. */
  const openedToTheLimit = async () => {
    const opened = [];
    for (let count = 0; count < LIMIT; count += 1) {
      clock.advance(1);
      opened.push(await world.open(user));
    }
    clock.advance(1);
    return opened;
  };
  const liveOf = async (opened: readonly SessionWithTokens[]) => {
    const found = opened.map(({ session }) => world.store.read(user.userId, session.sessionId, clock.now()));
    return (await Promise.all(found)).filter(({ kind }) => kind === 'live').length;
  };

  test('replaces the oldest session at the limit, everywhere', async () => {
    const [oldest, ...others] = await openedToTheLimit();
    const { replaced } = await world.open(user);
    expect(replaced).toMatchObject([{ sessionId: oldest?.session.sessionId, reason: 'REPLACED' }]);
    await eventually(() => world.follower.size === 1);
    expect(await validate(oldest?.tokens.accessToken ?? '')).toMatchObject({ endReason: 'REPLACED' });
    expect(await liveOf(others)).toBe(LIMIT - 1);
  });

  test('opens nothing while the end of the oldest session cannot be logged, however often it is repeated', async () => {
    const opened = await openedToTheLimit();
    const create = jest.spyOn(world.store, 'create');
    log.broken = true;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(world.open(user)).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
    }
    for (const { value } of create.mock.results) expect(await value).toMatchObject({ kind: 'full' });
    expect(await liveOf(opened.slice(1))).toBe(LIMIT - 1);

    log.broken = false;
    const { replaced } = await world.open(user);
    expect(replaced).toMatchObject([{ sessionId: opened[0]?.session.sessionId }]);
    expect(await liveOf(opened)).toBe(LIMIT - 1);
  });

  test('replaces the session of its own device although the end cannot be logged, and reports it once it is', async () => {
    const first = await world.open(user, { deviceId: 'phone' });
    log.broken = true;
    expect((await world.open(user, { deviceId: 'phone' })).replaced).toEqual([]);
    expect(await liveOf([first])).toBe(0);

    log.broken = false;
    const { replaced } = await world.open(user, { deviceId: 'phone' });
    expect(replaced).toContainEqual(expect.objectContaining({ sessionId: first.session.sessionId }));
    await eventually(() => world.follower.size > 0);
    expect(await validate(first.tokens.accessToken)).toMatchObject({ endReason: 'REPLACED' });
  });

  test('keeps the limit through many concurrent logins, each of which ends one session', async () => {
    const append = jest.spyOn(log, 'append');
    const opened = await Promise.all(Array.from({ length: 100 }, () => world.open(user)));
    expect(await liveOf(opened)).toBe(LIMIT);
    expect(append).toHaveBeenCalledTimes(100 - LIMIT);
  });

  test('that is refused because others take the room each time has ended no session for nothing', async () => {
    await openedToTheLimit();
    const end = jest.spyOn(world.store, 'end');
    const create = jest.spyOn(world.store, 'create').mockImplementation(async () => {
      return { kind: 'full', toEnd: [ids.next(clock.now())] };
    });
    await expect(world.open(user)).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
    const lastEnd = end.mock.invocationCallOrder.at(-1) ?? 0;
    expect(create.mock.invocationCallOrder.at(-1)).toBeGreaterThan(lastEnd);
  });

  test('that waits too long for other logins to make room ends nothing', async () => {
    const opened = await openedToTheLimit();
    const end = jest.spyOn(world.store, 'end').mockImplementationOnce(async () => {
      clock.advance(1_001);
      throw new Error('no answer');
    });
    const both = await Promise.allSettled([world.open(user), world.open(user)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(end).toHaveBeenCalledTimes(1);
    expect(await liveOf(opened)).toBe(LIMIT);
  });
});
