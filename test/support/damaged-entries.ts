import type { Redis } from 'ioredis';
import { LOG_KEYS } from '../../src/adapters/redis/keys.ts';

/** Not a number, time or name of ours. */
export const RUBBISH: readonly (string | Buffer)[] = [
  '',
  ' ',
  'x',
  'nan',
  'inf',
  '-1',
  '1.5',
  '0x10',
  '1e400',
  '9'.repeat(16),
  '9'.repeat(400),
  Buffer.of(0xff, 0xfe, 0x00, 0x80),
  '\u{1F600}',
];

type Fields = readonly (string | Buffer)[];

/** A damaged entry of the revocation log. */
export interface DamagedEntry {
  readonly name: string;
  /** @param ids of a user and a session of theirs. @param now milliseconds since 1970. */
  readonly fields: (ids: { readonly user: string; readonly session: string }, now: number) => Fields;
  /** Whether its user or session can be read. */
  readonly ends: boolean;
}

const timesAt = (now: number) => ({
  reason: 'LOGGED_OUT',
  ended_at: String(now),
  expires_at: String(now + 900_000),
});
const YEAR_5000 = '95617584000000';

/** Entries with one field changed, or omitted if it is undefined. */
function entryWith(
  name: string,
  field: string,
  value: string | Buffer | undefined,
  what: 'session' | 'created_until',
): DamagedEntry {
  return {
    name,
    fields: ({ user, session }, now) => {
      const ends = what === 'session' ? { session } : { created_until: String(now) };
      const all = { user, ...ends, ...timesAt(now), [field]: value };
      return Object.entries(all).flatMap(([key, text]) => (text === undefined ? [] : [key, text]));
    },
    ends: what === 'session' ? field !== 'session' : field !== 'user',
  };
}

/** Entries of the revocation log, field by field. */
export const DAMAGED_ENTRIES: readonly DamagedEntry[] = [
  ...['user', 'session', 'reason', 'ended_at', 'expires_at'].flatMap((field) =>
    RUBBISH.map((value, index) =>
      entryWith(`rubbish ${index} as ${field} of a session`, field, value, 'session'),
    ),
  ),
  ...['user', 'created_until', 'reason', 'ended_at', 'expires_at'].flatMap((field) =>
    RUBBISH.map((value, index) =>
      entryWith(`rubbish ${index} as ${field} of a user`, field, value, 'created_until'),
    ),
  ),
  ...['user', 'session', 'reason', 'ended_at', 'expires_at'].map((field) =>
    entryWith(`no ${field} of a session`, field, undefined, 'session'),
  ),
  ...['user', 'reason', 'ended_at', 'expires_at'].map((field) =>
    entryWith(`no ${field} of a user`, field, undefined, 'created_until'),
  ),
  entryWith('a cut-off in the year 5000', 'created_until', YEAR_5000, 'created_until'),
  {
    name: 'neither a session nor a cut-off',
    fields: ({ user }) => ['user', user, 'reason', 'RISK'],
    ends: false,
  },
  { name: 'another field', fields: () => ['x', 'x'], ends: false },
];

/** Entries that would be kept too long if their fields were trusted. */
export const LASTING_ENTRIES: readonly DamagedEntry[] = [
  entryWith('an expiry in the year 5000', 'expires_at', YEAR_5000, 'session'),
  entryWith('an end in the year 5000', 'ended_at', YEAR_5000, 'session'),
  entryWith('an expiry of a cut-off in the year 5000', 'expires_at', YEAR_5000, 'created_until'),
];

/** Writes an entry into the revocation log unchanged; returns its revision. */
export async function writeEntry(redis: Redis, fields: Fields): Promise<string> {
  return String(await redis.xadd(LOG_KEYS.stream, '*', ...fields));
}
