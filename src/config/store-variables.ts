import { parseMasterKeys } from './key-list.ts';
import { text, wholeNumber } from './scalars.ts';
import { parseDatabaseUrl, parseRedisUrl } from './store-address.ts';
import type { Variable } from './variable.ts';

/** Where things are kept, and under which keys. */
export const STORE_VARIABLES = {
  dataDir: {
    name: 'LATCHKEY_DATA_DIR',
    meaning: 'folder of the SQLite file and the master key, where no other place is named for them',
    fallback: './data',
    example: '/var/lib/latchkey',
    parse: text(4096),
  },
  redis: {
    name: 'LATCHKEY_REDIS_URL',
    meaning:
      'sessions and the revocation log: `redis://[user:password@]host[:port][/db]`, `redis+sentinel://host,host/master`, ' +
      '`redis+cluster://host,host`; `rediss` for TLS',
    otherwise: '(none: in memory, gone at a restart)',
    example: 'redis://127.0.0.1:6379/0',
    secret: true,
    parse: parseRedisUrl,
  },
  redisWaitReplicas: {
    name: 'LATCHKEY_REDIS_WAIT_REPLICAS',
    meaning:
      'replicas that must hold an ending before it is acknowledged, and confirm the primary before a read of it is used',
    fallback: '0',
    example: '1',
    parse: wholeNumber(0, 16),
  },
  databaseUrl: {
    name: 'LATCHKEY_DATABASE_URL',
    meaning: 'users and signing keys: `postgres://user:password@host[:port]/database`',
    otherwise: '(none: SQLite in the data folder)',
    example: 'postgres://latchkey:password@127.0.0.1:5432/latchkey',
    secret: true,
    parse: parseDatabaseUrl,
  },
  masterKeys: {
    name: 'LATCHKEY_MASTER_KEY',
    meaning:
      'seals signing keys, authenticates refresh tokens, peppers passwords: base64url of 32 bytes or more; a list, ' +
      'newest first, to rotate',
    otherwise: '(made in the data folder; must be set with PostgreSQL)',
    example: `$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')`,
    secret: true,
    parse: parseMasterKeys,
  },
  bootstrapUsername: {
    name: 'LATCHKEY_BOOTSTRAP_USERNAME',
    meaning: 'the first user, with the role `admin`; made only while there is no user',
    fallback: 'admin',
    example: 'alice',
    parse: text(128),
  },
  bootstrapPassword: {
    name: 'LATCHKEY_BOOTSTRAP_PASSWORD',
    meaning: 'the password of the first user, at least 8 characters',
    otherwise: '(made, printed once)',
    example: '"a sentence that only you would say"',
    secret: true,
    parse: text(1024),
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;
