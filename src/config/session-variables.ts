import * as v from 'valibot';
import { LIMIT_ACTIONS, MAX_SESSIONS_LIMIT, POLICY_KINDS } from '../core/user/device-policy.ts';
import { duration, list, oneOf, onOrOff, origin, text, wholeNumber } from './scalars.ts';
import { optional, withDefault } from './variable.ts';

const MAX_NAME_BYTES = 256;
const MAX_PATH_BYTES = 4096;

/** Times in tokens are whole seconds. */
function wholeSeconds(min: string, max: string) {
  return v.pipe(
    duration(min, max),
    v.check((ms) => ms % 1_000 === 0, 'must be a whole number of seconds'),
  );
}

const httpUrl = v.pipe(
  text(MAX_NAME_BYTES),
  v.check(
    (value) => /^https?:\/\/[^\s?#]+$/.test(value) && URL.canParse(value),
    'must be an http or https URL without query and fragment (RFC 8414, section 2)',
  ),
);

/** Tokens, sessions, QR tickets and password checks. */
export const SESSION_VARIABLES = {
  LATCHKEY_ISSUER: withDefault(httpUrl, 'https://latchkey.local', {
    meaning: '`iss` of access tokens',
    example: 'https://id.example.com',
  }),
  LATCHKEY_AUDIENCE: withDefault(list(MAX_NAME_BYTES), 'latchkey', {
    meaning: '`aud` of access tokens; a list if there are several',
    example: 'https://api.example.com',
  }),
  LATCHKEY_ACCESS_TOKEN_TTL: withDefault(wholeSeconds('1s', '1d'), '15m', {
    meaning: 'lifetime of an access token; the roles in it are at most that old',
    example: '10m',
  }),
  LATCHKEY_SESSION_IDLE_TTL: withDefault(wholeSeconds('2s', '365d'), '7d', {
    meaning: 'a session that is not refreshed for this long ends',
    example: '12h',
  }),
  LATCHKEY_SESSION_MAX_TTL: withDefault(wholeSeconds('2s', '3650d'), '30d', {
    meaning: 'a session ends after this long, even if it is refreshed',
    example: '90d',
  }),
  LATCHKEY_REFRESH_GRACE: withDefault(duration('0s', '10m'), '30s', {
    meaning: 'how long a rotated refresh token still gets the same successor',
    example: '10s',
  }),
  LATCHKEY_MAX_STALENESS: withDefault(duration('100ms', '5m'), '5s', {
    meaning: 'maximum age of the local copy of revocations; if the copy is older, the session store is read',
    example: '2s',
  }),
  LATCHKEY_PUBLIC_ORIGIN: optional(origin, '(that of `LATCHKEY_ISSUER`)', {
    meaning:
      'where people reach the sign-in pages; a QR code opens `/qr/<ticket>` there, and an identity provider sends people back to `/external/<provider>/callback`',
    example: 'https://login.example.com',
  }),
  LATCHKEY_QR_TICKET_TTL: withDefault(duration('60s', '300s'), '120s', {
    meaning: 'how long a QR code can be scanned, and how long it can be approved and redeemed after that',
    example: '3m',
  }),
  LATCHKEY_DEVICE_POLICY: withDefault(oneOf(...POLICY_KINDS), 'limit', {
    meaning:
      'sessions of a user without a policy of their own: `unlimited`, `limit` (`LATCHKEY_MAX_SESSIONS_PER_USER`), `one-per-platform` or `one`; users with the role `service` have no limit',
    example: 'one-per-platform',
  }),
  LATCHKEY_MAX_SESSIONS_PER_USER: withDefault(wholeNumber(1, MAX_SESSIONS_LIMIT), '50', {
    meaning: 'maximum sessions of a user, with the device policy `limit`',
    example: '10',
  }),
  LATCHKEY_DEVICE_LIMIT_ACTION: withDefault(oneOf(...LIMIT_ACTIONS), 'replace', {
    meaning:
      'what a sign-in at the limit does: `replace` the oldest session, or `refuse` until the user names a session to end',
    example: 'refuse',
  }),
  LATCHKEY_LOGIN_LIMITS: withDefault(onOrOff, 'on', {
    meaning:
      'limits of failed sign-ins, `on` or `off`; see SECURITY.md for the numbers; `off` only if something else limits them',
    example: 'off',
  }),
  LATCHKEY_LOGIN_FAILURES_PER_ADDRESS: withDefault(wholeNumber(1, 100_000), '30', {
    meaning:
      'failed sign-ins of one address (IPv6 by /64) in a minute, over all accounts; raise it if many people share an address',
    example: '300',
  }),
  LATCHKEY_RISK_RULES_FILE: optional(text(MAX_PATH_BYTES), '(none: nothing is assessed)', {
    meaning:
      'JSON file of [risk rules](operations.md#risk-rules) for unusual sign-ins and refreshes; read again when it changes',
    example: '/etc/latchkey/risk-rules.json',
  }),
  LATCHKEY_GEO_FILE: optional(text(MAX_PATH_BYTES), '(none: countries are unknown)', {
    meaning:
      'MaxMind database of countries or cities (`.mmdb`), for the risk signal `new-country`; read again when it changes',
    example: '/var/lib/geoip/GeoLite2-Country.mmdb',
  }),
  LATCHKEY_PROVIDERS_FILE: optional(text(MAX_PATH_BYTES), '(none: no sign-in through providers)', {
    meaning:
      'JSON file of [identity providers](operations.md#sign-in-through-providers); read once, at start',
    example: '/etc/latchkey/providers.json',
  }),
  LATCHKEY_TOKEN_CACHE_SIZE: withDefault(wholeNumber(0, 10_000_000), '50000', {
    meaning:
      'number of recently used access tokens to cache; about 2 kB each, at times twice as many; 0 for none',
    example: '20000',
  }),
  LATCHKEY_SIGNING_ALGORITHM: withDefault(oneOf('EdDSA', 'ES256'), 'EdDSA', {
    meaning: 'algorithm of new signing keys: `EdDSA` or `ES256`',
    example: 'ES256',
  }),
  LATCHKEY_SIGNING_KEY_ROTATION: withDefault(duration('1h', '365d'), '30d', {
    meaning: 'age at which a signing key is replaced',
    example: '7d',
  }),
  LATCHKEY_BCRYPT_COST: withDefault(wholeNumber(4, 16), '12', {
    meaning: 'bcrypt cost of password hashes; each increment doubles the time; at least 10 in production',
    example: '12',
  }),
  LATCHKEY_BCRYPT_THREADS: optional(
    wholeNumber(1, 256),
    '(cores - 1, shared by the workers; at least 1 each)',
    {
      meaning: 'threads that check passwords',
      example: '4',
    },
  ),
  LATCHKEY_BCRYPT_QUEUE: withDefault(wholeNumber(1, 10_000), '32', {
    meaning:
      'password checks that may wait for each thread; when the queue is full, the source with the most waiting checks loses one',
    example: '64',
  }),
};
