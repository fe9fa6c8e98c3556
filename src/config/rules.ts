import * as v from 'valibot';
import { Failure } from '../core/failure.ts';
import { checkNewPassword } from '../core/password/password-policy.ts';
import { checkNewUsername } from '../core/user/username.ts';
import { isLoopback } from './listen-address.ts';
import { durationText } from './scalars.ts';
import { type Settings, VARIABLES_SCHEMA, type VariableName } from './variables.ts';

type DurationName = {
  [Name in VariableName]: Settings[Name] extends number ? Name : never;
}[VariableName];

/**
 * A rule between variables. It is checked only if all variables that it reads are valid.
 *
 * @param reads the variables that the rule reads. The first is the one that the issue names.
 * @param message the rest of the sentence after that name.
 */
function rule(
  [blamed, ...others]: readonly [VariableName, ...VariableName[]],
  holds: (settings: Settings) => boolean,
  message: string | ((settings: Settings) => string),
) {
  const check = v.partialCheck(
    [[blamed], ...others.map((name) => [name] as const)],
    holds,
    typeof message === 'string' ? message : ({ input }: { input: Settings }) => message(input),
  );
  return v.forward(check, [blamed]) as v.GenericValidation as v.GenericValidation<Settings>;
}

/** The first duration must be shorter than the second, or equal if `orEqual` is true. */
function shorter(a: DurationName, b: DurationName, orEqual = false) {
  const relation = orEqual ? 'must not be longer than' : 'must be shorter than';
  return rule(
    [a, b],
    (settings) => settings[a] < settings[b] || (orEqual && settings[a] === settings[b]),
    (settings) => `(${durationText(settings[a])}) ${relation} ${b} (${durationText(settings[b])})`,
  );
}

/** A domain rule, checked before the start creates anything. */
function accepted(reads: readonly [VariableName, ...VariableName[]], check: (settings: Settings) => void) {
  return rule(
    reads,
    (settings) => refusal(check, settings) === undefined,
    (settings) => refusal(check, settings) ?? '',
  );
}

function refusal(check: (settings: Settings) => void, settings: Settings): string | undefined {
  try {
    check(settings);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.violations.map((each) => each.description).join('; ');
    throw error;
  }
}

/** Without LATCHKEY_ENV, a service that other machines can reach is in production. */
export function environmentOf(settings: Settings): 'development' | 'production' {
  if (settings.LATCHKEY_ENV !== undefined) return settings.LATCHKEY_ENV;
  const isLocal = settings.NODE_ENV !== 'production' && isLoopback(settings.LATCHKEY_LISTEN);
  return isLocal ? 'development' : 'production';
}

const RULES = [
  rule(
    ['LATCHKEY_TLS_CERT', 'LATCHKEY_TLS_KEY', 'LATCHKEY_LISTEN', 'LATCHKEY_PLAINTEXT'],
    (settings) =>
      settings.LATCHKEY_TLS_CERT !== undefined ||
      settings.LATCHKEY_TLS_KEY !== undefined ||
      isLoopback(settings.LATCHKEY_LISTEN) ||
      settings.LATCHKEY_PLAINTEXT === 'anywhere',
    'must be set, because LATCHKEY_LISTEN is reachable from other machines; or set LATCHKEY_PLAINTEXT=anywhere if a proxy adds TLS',
  ),
  rule(
    ['LATCHKEY_TLS_CERT', 'LATCHKEY_TLS_KEY'],
    (settings) => settings.LATCHKEY_TLS_CERT !== undefined || settings.LATCHKEY_TLS_KEY === undefined,
    'must be set together with LATCHKEY_TLS_KEY',
  ),
  rule(
    ['LATCHKEY_TLS_KEY', 'LATCHKEY_TLS_CERT'],
    (settings) => settings.LATCHKEY_TLS_KEY !== undefined || settings.LATCHKEY_TLS_CERT === undefined,
    'must be set together with LATCHKEY_TLS_CERT',
  ),
  rule(
    ['LATCHKEY_TLS_CLIENT_CA', 'LATCHKEY_TLS_CERT', 'LATCHKEY_TLS_KEY'],
    (settings) =>
      settings.LATCHKEY_TLS_CLIENT_CA === undefined ||
      settings.LATCHKEY_TLS_CERT !== undefined ||
      settings.LATCHKEY_TLS_KEY !== undefined,
    'needs LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY',
  ),
  rule(
    ['LATCHKEY_CALLER_AUTH', 'LATCHKEY_TLS_CLIENT_CA'],
    (settings) => settings.LATCHKEY_CALLER_AUTH !== 'mtls' || settings.LATCHKEY_TLS_CLIENT_CA !== undefined,
    'is mtls, which needs LATCHKEY_TLS_CLIENT_CA',
  ),
  rule(
    ['LATCHKEY_FRONT_AUTH', 'LATCHKEY_TLS_CLIENT_CA'],
    (settings) => settings.LATCHKEY_FRONT_AUTH !== 'mtls' || settings.LATCHKEY_TLS_CLIENT_CA !== undefined,
    'is mtls, which needs LATCHKEY_TLS_CLIENT_CA',
  ),
  rule(
    ['LATCHKEY_CALLER_AUTH', 'LATCHKEY_LISTEN'],
    (settings) => settings.LATCHKEY_CALLER_AUTH !== undefined || isLoopback(settings.LATCHKEY_LISTEN),
    'must be set to open, mtls or token, because LATCHKEY_LISTEN is reachable from other machines',
  ),
  rule(
    ['LATCHKEY_MASTER_KEY', 'LATCHKEY_DATABASE_URL'],
    (settings) => settings.LATCHKEY_MASTER_KEY !== undefined || settings.LATCHKEY_DATABASE_URL === undefined,
    'must be set, because LATCHKEY_DATABASE_URL is: other replicas cannot read a key in this data folder',
  ),
  rule(
    ['LATCHKEY_REDIS_WAIT_REPLICAS', 'LATCHKEY_REDIS_URL'],
    (settings) => settings.LATCHKEY_REDIS_WAIT_REPLICAS === 0 || settings.LATCHKEY_REDIS_URL !== undefined,
    'needs LATCHKEY_REDIS_URL',
  ),
  rule(
    ['LATCHKEY_REDIS_URL', 'LATCHKEY_WORKERS'],
    (settings) => settings.LATCHKEY_REDIS_URL !== undefined || settings.LATCHKEY_WORKERS === 1,
    ({ LATCHKEY_WORKERS }) =>
      `must be set, because LATCHKEY_WORKERS is ${LATCHKEY_WORKERS}: sessions in the memory of one process are unknown to the others`,
  ),
  rule(
    ['LATCHKEY_BCRYPT_COST', 'LATCHKEY_ENV', 'LATCHKEY_LISTEN'],
    (settings) => settings.LATCHKEY_BCRYPT_COST >= 10 || environmentOf(settings) !== 'production',
    'must be at least 10 in production',
  ),
  accepted(['LATCHKEY_BOOTSTRAP_USERNAME'], ({ LATCHKEY_BOOTSTRAP_USERNAME }) =>
    checkNewUsername(LATCHKEY_BOOTSTRAP_USERNAME, 'LATCHKEY_BOOTSTRAP_USERNAME'),
  ),
  accepted(['LATCHKEY_BOOTSTRAP_PASSWORD', 'LATCHKEY_BOOTSTRAP_USERNAME'], (settings) => {
    const { LATCHKEY_BOOTSTRAP_PASSWORD: password, LATCHKEY_BOOTSTRAP_USERNAME: username } = settings;
    if (password !== undefined) checkNewPassword(password, 'LATCHKEY_BOOTSTRAP_PASSWORD', [username]);
  }),
  shorter('LATCHKEY_ACCESS_TOKEN_TTL', 'LATCHKEY_SESSION_IDLE_TTL'),
  shorter('LATCHKEY_SESSION_IDLE_TTL', 'LATCHKEY_SESSION_MAX_TTL', true),
  shorter('LATCHKEY_REFRESH_GRACE', 'LATCHKEY_ACCESS_TOKEN_TTL'),
  shorter('LATCHKEY_MAX_STALENESS', 'LATCHKEY_ACCESS_TOKEN_TTL'),
];

/** The whole configuration: every variable, then the rules between them. */
export const ENVIRONMENT_SCHEMA = v.pipe(VARIABLES_SCHEMA, ...RULES);
