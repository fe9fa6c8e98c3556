import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import { GRACE, sessionSteps } from '../conformance/session-steps.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { aSession, HOUR, MINUTE } from '../support/sessions.ts';

/** A frozen Redis keeps the commands that it receives, and runs them when it resumes. */

/** Longer than the deadline of a step. */
const FROZEN_MS = 750;

let server: RedisServer;
let stores: RedisStores;
let session: Session;
let now: number;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.stop());

beforeEach(async () => {
  stores = await RedisStores.open(singleRedis(server.port), { deadlineMs: SERVICE_DEADLINE_MS });
  now = Date.now();
  // Runs every step once, so that Redis knows its script and each connection knows the clock of Redis.
  for (const step of [() => create(session), () => rotate(1), () => end(session), endUser, append]) {
    session = aSession(now);
    await step();
  }
  session = aSession(now);
  await create(session);
});

afterEach(() => stores.close());

const steps = (at = now) => sessionSteps(stores.sessions, { now: () => at });
const create = (opened: Session) => steps().create(opened);
const rotate = (generation: number, at = now) => steps(at).rotate(session, generation);
const end = (session: Session) => steps().end(session);
const endUser = () => steps().endUser(session.userId, 2);
const append = () => {
  const { userId, sessionId } = session;
  const when = { endedAt: now, expiresAt: now + HOUR };
  return stores.log.append({ kind: 'session', userId, sessionId, reason: 'LOGGED_OUT', ...when }, now);
};
const read = (session: Session) => steps().read(session);

/** Runs the step while Redis is frozen, until after its deadline. Resolves when Redis answers again. */
async function runLate(step: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  server.freeze();
  expect(await outcomeOf(step())).toBe('STORE_UNAVAILABLE');
  await eventually(() => performance.now() - began > FROZEN_MS);
  server.thaw();
  await server.with((redis) => redis.ping());
  await eventually(async () => (await outcomeOf(stores.sessions.ping())) === 'ok');
}

describe("a step that Redis runs after its caller's timeout", () => {
  test('does not treat a refresh that is repeated after the grace as reuse', async () => {
    await runLate(() => rotate(1));
    expect(await rotate(1, now + GRACE + 8_000)).toMatchObject({ kind: 'rotated' });
  });

  test('rotates nothing', async () => {
    await runLate(() => rotate(1));
    expect(await read(session)).toEqual({ kind: 'live', session });
  });

  test('creates no session', async () => {
    const late = aSession(now, { userId: session.userId });
    await runLate(() => create(late));
    expect(await read(late)).toEqual({ kind: 'missing' });
  });

  test('ends no session', async () => {
    await runLate(() => end(session));
    expect(await read(session)).toEqual({ kind: 'live', session });
  });

  test('ends no session that was opened after a password change timed out and was repeated', async () => {
    await runLate(endUser);
    const young = aSession(now + MINUTE, { userId: session.userId });
    await create(young);
    expect(await read(young)).toEqual({ kind: 'live', session: young });
    expect(await read(session)).toEqual({ kind: 'live', session });
  });

  test('ends no session and refuses no login by a version', async () => {
    await runLate(() => steps().endOutdated({ ...session, sessionId: '' }, 2));
    expect(await read(session)).toEqual({ kind: 'live', session });
    const sameUser = aSession(now, { userId: session.userId });
    expect(await create(sameUser)).toMatchObject({ kind: 'created' });
  });

  test('appends nothing to the log', async () => {
    await runLate(append);
    const entries = await stores.log.read(undefined, 0);
    expect(entries.map(({ revocation }) => revocation.userId)).not.toContain(session.userId);
  });
});
