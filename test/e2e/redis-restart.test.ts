import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { EndReason } from '../../src/core/audit/end-reason.ts';
import type { Session } from '../../src/core/session/session.ts';
import { sessionSteps } from '../conformance/session-steps.ts';
import { ComposeRedis, composeUsers } from '../support/compose-redis.ts';
import { eventually } from '../support/eventually.ts';
import { RedisStores } from '../support/redis-stores.ts';
import { aSession, DAY, HOUR } from '../support/sessions.ts';

/**
 * What Redis has after a restart. While it loads its append-only file, Redis 7 checks each MULTI against the
 * permissions of the user `default` and drops those that it may not run (redis#14541). In that file every script with
 * more than one write is a MULTI.
 */

let redis: ComposeRedis;
let stores: RedisStores;
const now = Date.now();

const start = async (users?: string) => {
  redis = await ComposeRedis.start(users);
  stores = await RedisStores.open(redis.address);
};

afterEach(async () => {
  stores.close();
  await redis.stop();
});

const phone = { deviceId: 'phone', name: '', platform: '' };
const steps = () => sessionSteps(stores.sessions, { now: () => now }, { refreshGraceMs: 0 });
const create = (given: Partial<Session> = {}) => steps().opened({ device: phone, ...given });
const refresh = (session: Session, generation: number) => steps().rotate(session, generation);

/** Each way to end a session, up to its entry in the log. */
const WAYS_TO_END: Readonly<Partial<Record<EndReason, (session: Session) => Promise<void>>>> = {
  LOGGED_OUT: async (session) => {
    await steps().end(session);
    await log(session, 'LOGGED_OUT');
  },
  REPLACED: async (session) => {
    await steps().create(aSession(now, { device: phone, userId: session.userId }));
    await log(session, 'REPLACED');
  },
  USER_DISABLED: async ({ userId }) => {
    const how = { reason: 'USER_DISABLED', securityVersion: 2, cutoffTtlMs: HOUR } as const;
    const { cutoff } = await stores.sessions.endUser({ userId, ...how, tombstoneTtlMs: DAY, now });
    const entry = { kind: 'user', userId, cutoff, reason: how.reason, endedAt: now, expiresAt: now + HOUR };
    await stores.log.append({ ...entry, kind: 'user' }, now);
  },
};
const log = async ({ userId, sessionId }: Session, reason: EndReason) => {
  const entry = { userId, sessionId, reason, endedAt: now, expiresAt: now + HOUR };
  const revision = await stores.log.append({ kind: 'session', ...entry }, now);
  await stores.sessions.markLogged(userId, sessionId, revision, now);
};

/** One session for each way to end it. */
const openForEach = () =>
  Promise.all(
    Object.entries(WAYS_TO_END).map(async ([reason, end]) => ({ reason, end, session: await create() })),
  );

const rewriteFile = async () => {
  await redis.asTester((it) => it.bgrewriteaof());
  await eventually(() =>
    redis.asTester(async (it) => {
      const info = await it.info('persistence');
      return /aof_rewrite_in_progress:0\s/.test(info) && /aof_rewrite_scheduled:0\s/.test(info);
    }),
  );
};

/** Opens sessions, ends some before and some after the file is rewritten, and restarts Redis. Returns what was lost. */
async function lostByRestart({ isRewritten }: { readonly isRewritten: boolean }): Promise<readonly string[]> {
  const [living, unused] = [await create(), await create()];
  const [early, late] = [await openForEach(), await openForEach()];
  for (const { end, session } of early) await end(session);
  if (isRewritten) await rewriteFile();
  for (const { end, session } of late) await end(session);
  for (const generation of [1, 2]) await refresh(living, generation);
  const entries = await stores.log.read(undefined, 0);
  expect(entries).toHaveLength(early.length + late.length);

  stores.close();
  await redis.server.kill();
  await redis.server.resume();
  stores = await RedisStores.open(redis.address);
  const lost: string[] = [];
  const opened = await stores.sessions.read(unused.userId, unused.sessionId, now);
  if (opened.kind !== 'live') lost.push(`a living session: ${opened.kind}`);
  const refreshed = await refresh(living, 3).catch(({ reason }) => ({ kind: String(reason) }));
  if (refreshed.kind !== 'rotated') lost.push(`a living session: ${refreshed.kind}`);
  for (const { session, reason } of [...early, ...late]) {
    const found = await stores.sessions.read(session.userId, session.sessionId, now);
    if (found.kind !== 'ended' || found.ended.reason !== reason) lost.push(`an end: ${reason}`);
  }
  const found = await stores.log.read(undefined, 0);
  if (!isDeepStrictEqual(found, entries)) lost.push('entries of the log');
  return lost;
}

const ARMS = [
  ['as it was written', { isRewritten: false }],
  ['that was rewritten meanwhile', { isRewritten: true }],
] as const;

describe.each(ARMS)('the Redis of docker-compose.yml, restarted from its file %s,', (_how, arm) => {
  test('refreshes the live sessions, keeps ended ones ended, and has the whole log', async () => {
    await start();
    expect(await lostByRestart(arm)).toEqual([]);
  });

  // The control arm. If it fails on a newer Redis, that one loads its file whatever `default` may do.
  test('loses sessions and ends if its user default has no permissions', async () => {
    await start(composeUsers().replace(/^user default .*$/m, 'user default off'));
    const lost = await lostByRestart(arm);
    expect(lost).toEqual(expect.arrayContaining(['an end: LOGGED_OUT', 'an end: USER_DISABLED']));
    if (!arm.isRewritten) expect(lost).toContain('a living session: missing');
  });
});
