import type { Redis } from 'ioredis';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import { packId, packNumber } from '../../src/adapters/redis/packed-id.ts';
import type { Session } from '../../src/core/session/session.ts';
import { RUBBISH } from './damaged-entries.ts';

/** Changes what Redis holds of one user, behind the store's back. */
export type DamageToUser = (redis: Redis, session: Session) => Promise<unknown>;

const sessionsOf = ({ userId }: Session) => userKeys(userId).sessions;
const cutoffOf = ({ userId }: Session) => userKeys(userId).cutoff;
const tombstoneOf = ({ userId, sessionId }: Session) => userKeys(userId).tombstonePrefix + packId(sessionId);
const fieldOf = ({ sessionId }: Session) => packId(sessionId);

/** Changes the record of the session. */
const record =
  (change: (record: string) => string | Buffer): DamageToUser =>
  async (redis, session) => {
    const stored = (await redis.hget(sessionsOf(session), fieldOf(session))) ?? '';
    await redis.hset(sessionsOf(session), fieldOf(session), change(stored));
  };

/** Puts something in the place of the first piece of what never changes. */
const piece =
  (value: string | Buffer): DamageToUser =>
  (redis, session) =>
    redis.hset(sessionsOf(session), `${fieldOf(session)}0`, value);

/** Text of another shape, not deflated. */
const plain = (text: string) =>
  piece(Buffer.concat([Buffer.of(0, 0), Buffer.from(text)]).toString('base64url'));
const number = (value: number, at: number) =>
  record((stored) => stored.slice(0, at) + packNumber(value) + stored.slice(at + 8));

/** Records that cannot be read, by what is wrong with them. */
export const UNREADABLE_RECORDS: readonly (readonly [string, DamageToUser])[] = [
  ['a record that is empty', record(() => '')],
  ['a record that is one character', record(() => 'x')],
  ['a record that was cut', record((stored) => stored.slice(0, 20))],
  ['a record that is too long', record((stored) => `${stored}${'A'.repeat(20)}`)],
  ['a record of other characters', record((stored) => '!'.repeat(stored.length))],
  ['a record that is not UTF-8', record((stored) => Buffer.alloc(stored.length, 0xff))],
  ['a record of another format', record(() => '{"generation":1}')],
  ['a record without pieces', record((stored) => `${stored.slice(0, 32)}-${stored.slice(33)}`)],
  [
    'a record of more pieces than there are',
    record((stored) => `${stored.slice(0, 32)}z${stored.slice(33)}`),
  ],
  ['a generation of 0', number(0, 0)],
  ['a generation beyond all', number(2 ** 40, 0)],
  ['a deadline after the year 9999', number(2 ** 48 - 1, 24)],
  ['a piece that is empty', piece('')],
  ['a piece that is no base64', piece('!!!!')],
  ['a piece that is not UTF-8', piece(Buffer.alloc(40, 0xff))],
  ['a piece that does not inflate', piece(Buffer.alloc(40, 1).toString('base64url'))],
  ['text that is no JSON', plain('["a')],
  ['text that is a number', plain('5')],
  ['text that is null', plain('null')],
  ['text that is an object', plain('{"name":"a"}')],
  ['text that is a shorter list', plain('["a","b"]')],
  ['text of numbers', plain('[1,2,3,[4],5,6]')],
  ['text with half of a character', plain('["\\ud800","","",["pwd"],"",""]')],
];

/** The tombstone of a session that has ended. */
export const DAMAGED_TOMBSTONES: readonly (readonly [string, DamageToUser])[] = [
  ...(['e', 't', 'v'] as const).flatMap((field) =>
    RUBBISH.map((value, index): readonly [string, DamageToUser] => [
      `a tombstone with rubbish ${index} as ${field}`,
      (redis, session) => redis.hset(tombstoneOf(session), field, value),
    ]),
  ),
  ['a tombstone without a reason', (redis, session) => redis.hdel(tombstoneOf(session), 'e')],
  ['a tombstone without a time', (redis, session) => redis.hdel(tombstoneOf(session), 't')],
];

/** What is in nobody's way: the session goes on. */
export const DAMAGED_SURROUNDINGS: readonly (readonly [string, DamageToUser])[] = [
  ...(['v', 'a'] as const).flatMap((field) =>
    RUBBISH.map((value, index): readonly [string, DamageToUser] => [
      `a cut-off with rubbish ${index} as ${field}`,
      (redis, session) => redis.hset(cutoffOf(session), field, value),
    ]),
  ),
  ['a security version beyond all', (redis, session) => redis.hset(cutoffOf(session), 'v', '4000000000')],
  ['a cut-off in the year 5000', (redis, session) => redis.hset(cutoffOf(session), 'a', '95617584000000')],
  [
    'a field of the latest id there is',
    (redis, session) => redis.hset(sessionsOf(session), 'z'.repeat(22), 'x'),
  ],
  [
    'a field of the length of an id',
    (redis, session) => redis.hset(sessionsOf(session), '!'.repeat(22), 'x'),
  ],
  [
    'a field that is not UTF-8',
    (redis, session) => redis.hset(sessionsOf(session), Buffer.alloc(22, 0xff), 'x'),
  ],
  ['a field of another length', (redis, session) => redis.hset(sessionsOf(session), 'x', 'x')],
];
