import type { Redis } from 'ioredis';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import type { Session } from '../../src/core/session/session.ts';
import { RUBBISH } from './damaged-entries.ts';

/** Changes the data of one user in Redis, without the store. */
export type DamageToUser = (redis: Redis, session: Session) => Promise<unknown>;

const sessionsOf = ({ userId }: Session) => userKeys(userId).sessions;
const cutoffOf = ({ userId }: Session) => userKeys(userId).cutoff;
const tombstoneOf = ({ userId, sessionId }: Session) => userKeys(userId).tombstonePrefix + sessionId;
const fieldOf = ({ sessionId }: Session) => sessionId;

/** Changes the record of the session. */
const record =
  (change: (record: string) => string | Buffer): DamageToUser =>
  async (redis, session) => {
    const stored = (await redis.hget(sessionsOf(session), fieldOf(session))) ?? '';
    await redis.hset(sessionsOf(session), fieldOf(session), change(stored));
  };

/** Replaces one element. */
const element = (index: number, value: unknown) =>
  record((stored) => JSON.stringify(JSON.parse(stored).with(index, value)));

/** Appends elements to a record that ends after the authentication methods. */
const appended = (...values: readonly unknown[]) =>
  record((stored) => JSON.stringify([...JSON.parse(stored).slice(0, 12), ...values]));

/** Records that cannot be parsed, by their damage. */
export const UNREADABLE_RECORDS: readonly (readonly [string, DamageToUser])[] = [
  ['a record that is empty', record(() => '')],
  ['a record that is one character', record(() => 'x')],
  ['a record that was cut', record((stored) => stored.slice(0, 20))],
  ['a record with something after it', record((stored) => `${stored}]`)],
  ['a record with other spaces', record((stored) => stored.replace(',', ', '))],
  ['a record that is not UTF-8', record((stored) => Buffer.alloc(stored.length, 0xff))],
  ['a record that is a number', record(() => '5')],
  ['a record that is null', record(() => 'null')],
  ['a record that is an object', record(() => '{"generation":1}')],
  ['a record that is an empty list', record(() => '[]')],
  ['a record that is nested too deeply', record(() => `${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
  [
    'a record without authentication methods',
    record((stored) => JSON.stringify(JSON.parse(stored).slice(0, 11))),
  ],
  ['a format of 0', element(0, 0)],
  ['a format that is a text', element(0, '1')],
  ['a generation of 0', element(1, 0)],
  ['a generation that is no whole number', element(1, 1.5)],
  ['a generation that is a text', element(1, '1')],
  ['a generation beyond all', element(1, 2 ** 40)],
  ['a negative time', element(2, -1)],
  ['a deadline that is null', element(3, null)],
  ['a deadline after the year 9999', element(4, 2 ** 48 - 1)],
  ['a security version that is a list', element(5, [1])],
  ['a client id that is a number', element(6, 5)],
  ['a device id that is a list', element(7, ['phone'])],
  ['half of a character', element(9, '\ud800')],
  ['authentication methods that are a text', element(11, 'pwd')],
  ['authentication methods that are numbers', element(11, [4])],
  ['a latest address that is a number', appended(5)],
  ['labels that are a list', appended('192.0.2.1', ['web'])],
  ['labels that are null', appended('192.0.2.1', null)],
  ['a label that is a number', appended('192.0.2.1', { app_version: 5 })],
];

/** The tombstone of an ended session. */
export const DAMAGED_TOMBSTONES: readonly (readonly [string, DamageToUser])[] = [
  ...(['reason', 'ended_at', 'revision', 'logged_at'] as const).flatMap((field) =>
    RUBBISH.map((value, index): readonly [string, DamageToUser] => [
      `a tombstone with rubbish ${index} as ${field}`,
      (redis, session) => redis.hset(tombstoneOf(session), field, value),
    ]),
  ),
  ['a tombstone without a reason', (redis, session) => redis.hdel(tombstoneOf(session), 'reason')],
  ['a tombstone without a time', (redis, session) => redis.hdel(tombstoneOf(session), 'ended_at')],
];

/** Harmless damage: the session continues. */
export const DAMAGED_SURROUNDINGS: readonly (readonly [string, DamageToUser])[] = [
  ...(['security_version', 'created_until'] as const).flatMap((field) =>
    RUBBISH.map((value, index): readonly [string, DamageToUser] => [
      `a cut-off with rubbish ${index} as ${field}`,
      (redis, session) => redis.hset(cutoffOf(session), field, value),
    ]),
  ),
  [
    'a security version beyond all',
    (redis, session) => redis.hset(cutoffOf(session), 'security_version', '4000000000'),
  ],
  [
    'a cut-off in the year 5000',
    (redis, session) => redis.hset(cutoffOf(session), 'created_until', '95617584000000'),
  ],
  [
    'a field of the latest id there is',
    (redis, session) => redis.hset(sessionsOf(session), 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'x'),
  ],
  [
    'a field of the length of an id',
    (redis, session) => redis.hset(sessionsOf(session), '!'.repeat(36), 'x'),
  ],
  [
    'a field that is not UTF-8',
    (redis, session) => redis.hset(sessionsOf(session), Buffer.alloc(36, 0xff), 'x'),
  ],
  ['a field of another length', (redis, session) => redis.hset(sessionsOf(session), 'x', 'x')],
];
