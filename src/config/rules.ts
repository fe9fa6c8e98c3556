import { Failure } from '../core/failure.ts';
import { checkNewPassword } from '../core/login/password-policy.ts';
import { checkNewUsername } from '../core/user/username.ts';
import { type ConfigFault, fault } from './faults.ts';
import { isLoopback } from './listen-address.ts';
import { durationText } from './scalars.ts';
import { type SettingName, type Settings, variableOf } from './variables.ts';

/** What must hold between variables, or by the domain's own rules. */
interface Rule {
  /** It is judged only if all of these could be read. */
  readonly reads: readonly SettingName[];
  /** The variable to change, and what is said of it after its name; undefined: the rule holds. */
  readonly broken: (settings: Settings, isProduction: boolean) => readonly [SettingName, string] | undefined;
}

/** The first must be shorter than the second, or as long where `orEqual`. */
function shorter(a: NumberName, b: NumberName, orEqual = false): Rule {
  const relation = orEqual ? 'must not be longer than' : 'must be shorter than';
  return {
    reads: [a, b],
    broken: (settings) => {
      const holds = orEqual ? settings[a] <= settings[b] : settings[a] < settings[b];
      return holds
        ? undefined
        : [a, `(${durationText(settings[a])}) ${relation} ${named(b)} (${durationText(settings[b])})`];
    },
  };
}

type NumberName = {
  [Name in SettingName]: Settings[Name] extends number ? Name : never;
}[SettingName];

const RULES: readonly Rule[] = [
  {
    reads: ['listen', 'plaintext', 'tlsCert', 'tlsKey'],
    broken: ({ listen, plaintext, tlsCert, tlsKey }) => {
      const isSafe =
        isLoopback(listen) || plaintext === 'anywhere' || tlsCert !== undefined || tlsKey !== undefined;
      if (isSafe) return undefined;
      return [
        'tlsCert',
        `must be set, since ${named('listen')} is reachable from other machines; or ${named('plaintext')}=anywhere, if TLS is added on the way`,
      ];
    },
  },
  {
    reads: ['tlsCert', 'tlsKey'],
    broken: ({ tlsCert, tlsKey }) => {
      if ((tlsCert === undefined) === (tlsKey === undefined)) return undefined;
      return tlsCert === undefined
        ? ['tlsCert', `must be set together with ${named('tlsKey')}`]
        : ['tlsKey', `must be set together with ${named('tlsCert')}`];
    },
  },
  {
    reads: ['tlsCert', 'tlsKey', 'tlsClientCa'],
    broken: ({ tlsCert, tlsKey, tlsClientCa }) =>
      tlsClientCa === undefined || tlsCert !== undefined || tlsKey !== undefined
        ? undefined
        : ['tlsClientCa', `needs ${named('tlsCert')} and ${named('tlsKey')}`],
  },
  {
    reads: ['callerAuth', 'tlsClientCa'],
    broken: ({ callerAuth, tlsClientCa }) =>
      callerAuth !== 'mtls' || tlsClientCa !== undefined
        ? undefined
        : ['callerAuth', `is mtls, which needs ${named('tlsClientCa')}`],
  },
  {
    reads: ['frontAuth', 'tlsClientCa'],
    broken: ({ frontAuth, tlsClientCa }) =>
      frontAuth !== 'mtls' || tlsClientCa !== undefined
        ? undefined
        : ['frontAuth', `is mtls, which needs ${named('tlsClientCa')}`],
  },
  {
    reads: ['listen', 'callerAuth'],
    broken: ({ listen, callerAuth }) =>
      callerAuth !== undefined || isLoopback(listen)
        ? undefined
        : [
            'callerAuth',
            `must be set to open, mtls or token, since ${named('listen')} is reachable from other machines`,
          ],
  },
  {
    reads: ['databaseUrl', 'masterKeys'],
    broken: ({ databaseUrl, masterKeys }) =>
      databaseUrl === undefined || masterKeys !== undefined
        ? undefined
        : [
            'masterKeys',
            `must be set, since ${named('databaseUrl')} is: a key in one data folder would not reach other replicas`,
          ],
  },
  {
    reads: ['redis', 'redisWaitReplicas'],
    broken: ({ redis, redisWaitReplicas }) =>
      redisWaitReplicas === 0 || redis !== undefined
        ? undefined
        : ['redisWaitReplicas', `needs ${named('redis')}`],
  },
  {
    reads: ['redis', 'workers'],
    broken: ({ redis, workers }) =>
      workers === 1 || redis !== undefined
        ? undefined
        : [
            'redis',
            `must be set, since ${named('workers')} is ${workers}: without it sessions are in the memory of one process, and the others would not know them`,
          ],
  },
  {
    reads: ['bcryptCost', 'environment', 'listen'],
    broken: ({ bcryptCost }, isProduction) =>
      bcryptCost >= 10 || !isProduction ? undefined : ['bcryptCost', 'must be at least 10 in production'],
  },
  {
    reads: ['bootstrapUsername'],
    broken: ({ bootstrapUsername }) => refused('bootstrapUsername', checkNewUsername, bootstrapUsername),
  },
  {
    reads: ['bootstrapPassword', 'bootstrapUsername'],
    broken: ({ bootstrapPassword, bootstrapUsername }) =>
      bootstrapPassword === undefined
        ? undefined
        : refused('bootstrapPassword', checkNewPassword, bootstrapPassword, [bootstrapUsername]),
  },
  shorter('accessTokenTtlMs', 'sessionIdleTtlMs'),
  shorter('sessionIdleTtlMs', 'sessionMaxTtlMs', true),
  shorter('refreshGraceMs', 'accessTokenTtlMs'),
  shorter('maxStalenessMs', 'accessTokenTtlMs'),
];

/** What the domain would say of it once the service runs, said before anything is made. */
function refused<Rest extends readonly unknown[]>(
  name: SettingName,
  check: (value: string, field: string, ...rest: Rest) => void,
  value: string,
  ...rest: Rest
): readonly [SettingName, string] | undefined {
  try {
    check(value, named(name), ...rest);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return [name, error.violations.map((each) => each.description).join('; ')];
    throw error;
  }
}

/** What is wrong between variables. `unread` are those whose own value is a fault. */
export function brokenRules(
  settings: Settings,
  unread: ReadonlySet<SettingName>,
  isProduction: boolean,
): readonly ConfigFault[] {
  return RULES.flatMap(({ reads, broken }) => {
    if (reads.some((name) => unread.has(name))) return [];
    const found = broken(settings, isProduction);
    return found === undefined ? [] : [fault(...found)];
  });
}

function named(name: SettingName): string {
  return variableOf(name).name;
}
