import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { closeRedis, openRedis, type RedisClient } from '../../../src/adapters/redis/connection.ts';
import { RedisRevocationLog } from '../../../src/adapters/redis/redis-revocation-log.ts';
import { RedisSessionStore } from '../../../src/adapters/redis/redis-session-store.ts';
import { MasterKeys } from '../../../src/core/keys/master-key.ts';
import { RefreshTokens } from '../../../src/core/session/refresh-token.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { IdentityServiceService, ValidateResponse } from '../../../src/gen/latchkey/v1/identity.ts';
import { systemClock } from '../../../src/telemetry/clock.ts';
import { validateFrame } from '../jobs/verdicts.ts';
import { GrpcConnection } from '../wire/connection.ts';

/** Commands on their way to Redis at a time: enough to keep it busy. */
const IN_FLIGHT = 512;
/** Redis has a long queue before it while it is filled. */
const DEADLINE_MS = 30_000;
const REDIS_OPTIONS = {
  durability: { waitReplicas: 0, waitMs: 0 },
  deadlineMs: DEADLINE_MS,
  clock: systemClock,
};
const DAY_MS = 86_400_000;
/** How long an access token lives by default, and an entry of the log at least. */
const TOKEN_LIFE_MS = 900_000;
/** 40 bytes. */
const DEVICE_LABEL = 'Chrome 142 on Windows 11, laptop at work';

/** What is used of a stand. */
export interface Populated {
  readonly redis: { readonly port: number };
  readonly site: { readonly masterKey: Buffer };
  readonly people: { userIds(): Promise<readonly string[]> };
}

export interface Population {
  /** Of the sessions that are used, in the order in which they were opened. */
  readonly refreshTokens: readonly string[];
  /** By which Redis has grown, for each session. */
  readonly bytesPerSession: number;
}

/**
 * Opens `count` sessions as Login does, but straight in the store. `used` of them, spread evenly among the others,
 * belong to the people of the stand and have refresh tokens. Each of the others belongs to a user of its own,
 * whom the service never has to look up.
 */
export async function populate(stand: Populated, count: number, used: number): Promise<Population> {
  await using opened = new AsyncDisposableStack();
  const commands = await open(stand, opened);
  const store = new RedisSessionStore({ commands, endings: commands, ...REDIS_OPTIONS });
  const refreshKeys = new RefreshTokens([new MasterKeys([stand.site.masterKey]).newest.refreshMac]);
  const userIds = await stand.people.userIds();
  const refreshTokens: string[] = [];
  const every = Math.floor(count / used);

  const before = await usedMemory(commands);
  await inLanes(count, async (index) => {
    const isUsed = index % every === 0 && index / every < used;
    const userId = isUsed ? userIds[(index / every) % userIds.length] : v7();
    if (userId === undefined) throw new RangeError('the stand has no people');
    const session = newSession(userId);
    if (isUsed) refreshTokens[index / every] = refreshKeys.mint(session);
    const outcome = await store.create({
      session,
      maxSessionsPerUser: count,
      tombstoneTtlMs: DAY_MS,
      now: session.createdAt,
    });
    if (outcome.kind !== 'created') throw new Error(`a session was not created: ${outcome.kind}`);
  });
  const bytesPerSession = ((await usedMemory(commands)) - before) / count;
  return { refreshTokens, bytesPerSession };
}

/** Logs the endings of `count` sessions that nobody has; `bytesPerEntry` is what each one takes in Redis. */
export async function endOthers(
  stand: Populated,
  count: number,
): Promise<{ readonly bytesPerEntry: number; readonly lastRevision: string }> {
  await using opened = new AsyncDisposableStack();
  const commands = await open(stand, opened);
  const log = new RedisRevocationLog({
    endings: commands,
    tail: commands,
    ...REDIS_OPTIONS,
    retentionMs: TOKEN_LIFE_MS,
  });
  const before = await usedMemory(commands);
  let lastRevision = '';
  await inLanes(count, async () => {
    const endedAt = Date.now();
    const expiresAt = endedAt + TOKEN_LIFE_MS;
    const who = { userId: v7(), sessionId: v7() };
    // One connection: answers come in the order of the log.
    lastRevision = await log.append(
      { kind: 'session', ...who, reason: 'LOGGED_OUT', endedAt, expiresAt },
      endedAt,
    );
  });
  return { bytesPerEntry: ((await usedMemory(commands)) - before) / count, lastRevision };
}

/** Until when a server is to have read the log, and a good token to ask it with. */
export interface LogPlace {
  readonly revision: string;
  readonly accessToken: string;
}

/** Waits until the server's copy of the log reaches as far. */
export async function hasRead(port: number, { revision, accessToken }: LogPlace): Promise<void> {
  const connection = await GrpcConnection.open(port, IdentityServiceService.validate.path);
  const frame = validateFrame(accessToken);
  const givenUpAt = performance.now() + DEADLINE_MS;
  while (ValidateResponse.decode(await connection.ask(frame)).revision !== revision) {
    if (performance.now() > givenUpAt) throw new Error('the server does not come to the end of the log');
    await delay(10);
  }
  await connection.close();
}

async function open({ redis }: Pick<Populated, 'redis'>, opened: AsyncDisposableStack): Promise<RedisClient> {
  const node = { host: '127.0.0.1', port: redis.port };
  const client = await openRedis(
    { kind: 'single', node, db: 0, tls: false },
    {
      name: 'bench:population',
      deadlineMs: DEADLINE_MS,
      onDown: () => undefined,
      onUp: () => undefined,
    },
  );
  opened.defer(() => closeRedis(client));
  return client;
}

function newSession(userId: string): Session {
  const createdAt = Date.now();
  return {
    sessionId: v7({ msecs: createdAt }),
    userId,
    clientId: 'bench',
    device: { deviceId: v7(), name: DEVICE_LABEL, platform: 'web' },
    ipAddress: '203.0.113.117',
    authenticationMethods: ['pwd'],
    createdAt,
    lastSeenAt: createdAt,
    idleDeadline: createdAt + 7 * DAY_MS,
    absoluteDeadline: createdAt + 30 * DAY_MS,
    generation: 1,
    securityVersion: 1,
  };
}

async function inLanes(count: number, step: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await step(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function usedMemory(client: RedisClient): Promise<number> {
  const bytes = /^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1];
  if (bytes === undefined) throw new Error('Redis does not say how much memory it uses');
  return Number(bytes);
}
