import type { Redis } from 'ioredis';
import { LOG_KEYS } from '../../src/adapters/redis/keys.ts';

/** What no number, time or word of ours is. */
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

/** An entry of the revocation log with something wrong in it. */
export interface DamagedEntry {
  readonly name: string;
  /** @param ids packed ids of a user and a session of theirs. @param now milliseconds since 1970. */
  readonly fields: (ids: { readonly user: string; readonly session: string }, now: number) => Fields;
  /** Whether it can be read whom it ends. */
  readonly ends: boolean;
}

const timesAt = (now: number) => ({ r: 'LOGGED_OUT', t: String(now), x: String(now + 900_000) });
const YEAR_5000 = '95617584000000';

/** Entries with one field changed, or left out where it is undefined. */
function entryWith(
  name: string,
  field: string,
  value: string | Buffer | undefined,
  kind: 's' | 'c',
): DamagedEntry {
  return {
    name,
    fields: ({ user, session }, now) => {
      const what = kind === 's' ? { s: session } : { c: String(now) };
      const all = { u: user, ...what, ...timesAt(now), [field]: value };
      return Object.entries(all).flatMap(([key, text]) => (text === undefined ? [] : [key, text]));
    },
    ends: kind === 's' ? field !== 's' : field !== 'u',
  };
}

/** Entries of the revocation log, field by field. */
export const DAMAGED_ENTRIES: readonly DamagedEntry[] = [
  ...['u', 's', 'r', 't', 'x'].flatMap((field) =>
    RUBBISH.map((value, index) => entryWith(`rubbish ${index} as ${field} of a session`, field, value, 's')),
  ),
  ...['u', 'c', 'r', 't', 'x'].flatMap((field) =>
    RUBBISH.map((value, index) => entryWith(`rubbish ${index} as ${field} of a user`, field, value, 'c')),
  ),
  ...['u', 's', 'r', 't', 'x'].map((field) => entryWith(`no ${field} of a session`, field, undefined, 's')),
  ...['u', 'r', 't', 'x'].map((field) => entryWith(`no ${field} of a user`, field, undefined, 'c')),
  entryWith('a cut-off in the year 5000', 'c', YEAR_5000, 'c'),
  { name: 'neither a session nor a cut-off', fields: ({ user }) => ['u', user, 'r', 'RISK'], ends: false },
  { name: 'another field', fields: () => ['x', 'x'], ends: false },
];

/** Entries that are kept for longer than anybody needs them, if they are believed. */
export const LASTING_ENTRIES: readonly DamagedEntry[] = [
  entryWith('an expiry in the year 5000', 'x', YEAR_5000, 's'),
  entryWith('an end in the year 5000', 't', YEAR_5000, 's'),
  entryWith('an expiry of a cut-off in the year 5000', 'x', YEAR_5000, 'c'),
];

/** Writes an entry into the revocation log as it is; answers its revision. */
export async function writeEntry(redis: Redis, fields: Fields): Promise<string> {
  return String(await redis.xadd(LOG_KEYS.stream, '*', ...fields));
}
