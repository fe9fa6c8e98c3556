import { type Parse, provided } from './parsed.ts';
import { duration, list, oneOf, text, wholeNumber } from './scalars.ts';
import type { Variable } from './variable.ts';

const MAX_NAME_BYTES = 256;

/** Tokens carry whole seconds. */
function wholeSeconds(parse: Parse<number>): Parse<number> {
  return provided(parse, (ms) => ms % 1_000 === 0, 'must be a whole number of seconds');
}

const httpUrl = provided(
  text(MAX_NAME_BYTES),
  (value) => /^https?:\/\/[^\s?#]+$/.test(value) && URL.canParse(value),
  'must be an http or https URL without query and fragment (RFC 8414, section 2)',
);

/** Tokens, sessions, and how passwords are checked. */
export const SESSION_VARIABLES = {
  issuer: {
    name: 'LATCHKEY_ISSUER',
    meaning: '`iss` of access tokens',
    fallback: 'https://latchkey.local',
    example: 'https://id.example.com',
    parse: httpUrl,
  },
  audiences: {
    name: 'LATCHKEY_AUDIENCE',
    meaning: '`aud` of access tokens; a list if there are several',
    fallback: 'latchkey',
    example: 'https://api.example.com',
    parse: list(text(MAX_NAME_BYTES)),
  },
  accessTokenTtlMs: {
    name: 'LATCHKEY_ACCESS_TOKEN_TTL',
    meaning: 'how long an access token is good; the roles in it are as old as that at most',
    fallback: '15m',
    example: '10m',
    parse: wholeSeconds(duration('1s', '1d')),
  },
  sessionIdleTtlMs: {
    name: 'LATCHKEY_SESSION_IDLE_TTL',
    meaning: 'a session that is not refreshed for so long ends',
    fallback: '7d',
    example: '12h',
    parse: wholeSeconds(duration('2s', '365d')),
  },
  sessionMaxTtlMs: {
    name: 'LATCHKEY_SESSION_MAX_TTL',
    meaning: 'a session ends after so long, however busy it is',
    fallback: '30d',
    example: '90d',
    parse: wholeSeconds(duration('2s', '3650d')),
  },
  refreshGraceMs: {
    name: 'LATCHKEY_REFRESH_GRACE',
    meaning: 'how long a rotated refresh token is still answered with the same successor',
    fallback: '30s',
    example: '10s',
    parse: duration('0s', '10m'),
  },
  maxStalenessMs: {
    name: 'LATCHKEY_MAX_STALENESS',
    meaning: 'how old the known endings may be before a verdict asks the session store',
    fallback: '5s',
    example: '2s',
    parse: duration('100ms', '5m'),
  },
  maxSessionsPerUser: {
    name: 'LATCHKEY_MAX_SESSIONS_PER_USER',
    meaning: 'one more login replaces the oldest session',
    fallback: '50',
    example: '10',
    parse: wholeNumber(1, 1_000),
  },
  tokenCacheSize: {
    name: 'LATCHKEY_TOKEN_CACHE_SIZE',
    meaning:
      'verified access tokens that are remembered, those used last; about 2 kB each, and for a while twice as many are held; 0 for none',
    fallback: '50000',
    example: '20000',
    parse: wholeNumber(0, 10_000_000),
  },
  signingAlgorithm: {
    name: 'LATCHKEY_SIGNING_ALGORITHM',
    meaning: 'of new signing keys: `EdDSA` or `ES256`',
    fallback: 'EdDSA',
    example: 'ES256',
    parse: oneOf('EdDSA', 'ES256'),
  },
  signingKeyRotationMs: {
    name: 'LATCHKEY_SIGNING_KEY_ROTATION',
    meaning: 'age at which a signing key gets its successor',
    fallback: '30d',
    example: '7d',
    parse: duration('1h', '365d'),
  },
  bcryptCost: {
    name: 'LATCHKEY_BCRYPT_COST',
    meaning: 'one more doubles the time of a password check; at least 10 in production',
    fallback: '12',
    example: '12',
    parse: wholeNumber(4, 16),
  },
  bcryptThreads: {
    name: 'LATCHKEY_BCRYPT_THREADS',
    meaning: 'threads that check passwords',
    otherwise: '(cores - 1, shared by the workers; at least 1 each)',
    example: '4',
    parse: wholeNumber(1, 256),
  },
  bcryptQueue: {
    name: 'LATCHKEY_BCRYPT_QUEUE',
    meaning:
      'password checks that may wait for each thread; in a full queue, the source with the most of them loses a place',
    fallback: '32',
    example: '64',
    parse: wholeNumber(1, 10_000),
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;
