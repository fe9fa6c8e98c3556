import { MASTER_KEY_MIN_BYTES } from '../core/keys/master-key.ts';
import { duration, parsed, text, wholeNumber } from './scalars.ts';
import { databaseUrl, redisUrl } from './store-address.ts';
import { optional, withDefault } from './variable.ts';

/** Length of the shortest valid key in base64url without padding. */
const MIN_CHARACTERS = Math.ceil((MASTER_KEY_MIN_BYTES * 8) / 6);

/** Master keys in base64url without padding, separated by commas, newest first. */
export const masterKeys = parsed((text) => {
  const parts = text.split(',');
  const keys = parts.map((part) => Buffer.from(part, 'base64url'));
  const isGood =
    keys.every((key, index) => key.toString('base64url') === parts[index]) &&
    keys.every((key) => key.length >= MASTER_KEY_MIN_BYTES) &&
    new Set(parts).size === parts.length;
  return isGood ? keys : undefined;
}, `must be base64url of ${MASTER_KEY_MIN_BYTES} bytes or more (${MIN_CHARACTERS} characters or more: letters, digits, - and _, no =); ` +
  'separate several by commas, without spaces or duplicates');

/** Stores, master keys and the first user. */
export const STORE_VARIABLES = {
  LATCHKEY_DATA_DIR: withDefault(text(4096), './data', {
    meaning: 'folder of the SQLite file and the master key, unless other variables replace them',
    example: '/var/lib/latchkey',
  }),
  LATCHKEY_REDIS_URL: optional(redisUrl, '(none: in memory, lost at a restart)', {
    meaning:
      'sessions and the revocation log: `redis://[user:password@]host[:port][/db]`, `redis+sentinel://host,host/master`, ' +
      '`redis+cluster://host,host`; `rediss` for TLS',
    example: 'redis://127.0.0.1:6379/0',
    secret: true,
  }),
  LATCHKEY_REDIS_WAIT_REPLICAS: withDefault(wholeNumber(0, 16), '0', {
    meaning:
      'replicas that must confirm a revocation before it is acknowledged, and the primary before its replies are used',
    example: '1',
  }),
  LATCHKEY_DATABASE_URL: optional(databaseUrl, '(none: SQLite in the data folder)', {
    meaning: 'users, signing keys and the audit trail: `postgres://user:password@host[:port]/database`',
    example: 'postgres://latchkey:password@127.0.0.1:5432/latchkey',
    secret: true,
  }),
  LATCHKEY_AUDIT_RETENTION: withDefault(duration('1d', '3650d'), '90d', {
    meaning: 'how long events stay in the audit trail',
    example: '400d',
  }),
  LATCHKEY_MASTER_KEY: optional(masterKeys, '(generated in the data folder; required with PostgreSQL)', {
    meaning:
      'seals signing keys, authenticates refresh tokens, peppers passwords: base64url of 32 bytes or more; ' +
      'to rotate, a list, newest first',
    example: `$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')`,
    secret: true,
  }),
  LATCHKEY_BOOTSTRAP_USERNAME: withDefault(text(128), 'admin', {
    meaning: 'the first user, with the role `admin`; created only while there is no user',
    example: 'alice',
  }),
  LATCHKEY_BOOTSTRAP_PASSWORD: optional(text(1024), '(generated, printed once)', {
    meaning: 'the password of the first user, at least 8 characters',
    example: '"a sentence that only you would say"',
    secret: true,
  }),
};
