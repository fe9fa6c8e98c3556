import { v7 } from 'uuid';
import { MasterKeys } from '../../../src/core/keys/master-key.ts';
import { RefreshTokens } from '../../../src/core/session/refresh-token.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { IdentityServiceService, ValidateResponse } from '../../../src/gen/latchkey/v1/identity.ts';
import { eventually } from '../../../test/support/eventually.ts';
import type { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisStores, singleRedis } from '../../../test/support/redis-stores.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { validateFrame } from '../../http2/validate.ts';

/** Concurrent commands to Redis: enough to keep it busy. */
const IN_FLIGHT = 512;
/** While Redis is filled, commands wait in a long queue. */
const DEADLINE_MS = 30_000;
const DAY_MS = 86_400_000;
/** The default lifetime of an access token, which is the minimum lifetime of a log entry. */
const TOKEN_LIFE_MS = 900_000;
/** 40 bytes. */
const DEVICE_LABEL = 'Chrome 142 on Windows 11, laptop at work';

/** The parts of a stand that are used here. */
export interface Populated {
  readonly redis: RedisServer;
  readonly masterKey: Buffer;
  readonly people: readonly { readonly userId: string }[];
}

export interface Population {
  /** Tokens of the sessions in use, in the order in which they were opened. */
  readonly refreshTokens: readonly string[];
  /** Growth of Redis per session. */
  readonly bytesPerSession: number;
}

/**
 * Opens `count` sessions as Login does, but directly in the store. `used` of them, evenly distributed, belong to the
 * users of the stand and have refresh tokens. Each of the others has its own user, whom the service never looks up.
 */
export async function populate(stand: Populated, count: number, used: number): Promise<Population> {
  const keys = new RefreshTokens([new MasterKeys([stand.masterKey]).newest.refreshMac]);
  const refreshTokens: string[] = [];
  const every = Math.floor(count / used);
  const bytesPerSession = await growth(stand, count, async ({ sessions }, index) => {
    const isUsed = index % every === 0 && index / every < used;
    const person = stand.people[(index / every) % stand.people.length];
    const session = newSession(isUsed ? (person?.userId ?? '') : v7());
    if (isUsed) refreshTokens[index / every] = keys.mint(session);
    const outcome = await sessions.create({
      session,
      limit: { maxSessions: count, counted: 'all', atLimit: 'replace' },
      endSessionId: '',
      tombstoneTtlMs: DAY_MS,
      now: session.createdAt,
    });
    if (outcome.kind !== 'created') throw new Error(`a session was not created: ${outcome.kind}`);
  });
  return { refreshTokens, bytesPerSession };
}

/** Adds revocations of `count` sessions that do not exist. `bytesPerEntry` is the growth of Redis for each. */
export async function addRevocations(
  stand: Populated,
  count: number,
): Promise<{ readonly bytesPerEntry: number; readonly lastRevision: string }> {
  let lastRevision = '';
  const bytesPerEntry = await growth(stand, count, async ({ log }) => {
    const endedAt = Date.now();
    const expiresAt = endedAt + TOKEN_LIFE_MS;
    const who = { userId: v7(), sessionId: v7() };
    // One connection, because answers come in the order of the log.
    lastRevision = await log.append(
      { kind: 'session', ...who, reason: 'LOGGED_OUT', endedAt, expiresAt },
      endedAt,
    );
  });
  return { bytesPerEntry, lastRevision };
}

/** A revision of the log, and a valid token to request it with. */
export interface LogPlace {
  readonly revision: string;
  readonly accessToken: string;
}

/** Waits until the server's copy of the log reaches the revision. */
export async function hasRead(port: number, { revision, accessToken }: LogPlace): Promise<void> {
  const connection = await GrpcConnection.open(port, IdentityServiceService.validate.path);
  const frame = validateFrame(accessToken);
  await eventually(
    async () => ValidateResponse.decode(await connection.ask(frame)).revision === revision,
    DEADLINE_MS,
  );
  connection.close();
}

/** Runs the step `count` times. Returns the growth of Redis per step, in bytes. */
async function growth(
  { redis }: Populated,
  count: number,
  step: (stores: RedisStores, index: number) => Promise<void>,
): Promise<number> {
  const stores = await RedisStores.open(singleRedis(redis.port), {
    deadlineMs: DEADLINE_MS,
    retentionMs: TOKEN_LIFE_MS,
  });
  try {
    const before = await usedMemory(redis);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) await step(stores, next++);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return ((await usedMemory(redis)) - before) / count;
  } finally {
    stores.close();
  }
}

async function usedMemory(redis: RedisServer): Promise<number> {
  const info = await redis.with((client) => client.info('memory'));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

function newSession(userId: string): Session {
  const createdAt = Date.now();
  return {
    sessionId: v7({ msecs: createdAt }),
    userId,
    clientId: 'bench',
    device: { deviceId: v7(), name: DEVICE_LABEL, platform: 'web' },
    ipAddress: '203.0.113.117',
    latestIpAddress: '203.0.113.117',
    labels: {},
    isNewDevice: false,
    authenticationMethods: ['pwd'],
    createdAt,
    lastSeenAt: createdAt,
    idleDeadline: createdAt + 7 * DAY_MS,
    absoluteDeadline: createdAt + 30 * DAY_MS,
    generation: 1,
    securityVersion: 1,
  };
}
