import { badValue, type ConfigFault, unknownName } from './config/faults.ts';
import { isLoopback, type ListenAddress, type TcpAddress } from './config/listen-address.ts';
import { brokenRules } from './config/rules.ts';
import type { RedisAddress } from './config/store-address.ts';
import { SETTING_NAMES, type SettingName, type Settings, variableOf } from './config/variables.ts';
import type { SigningAlgorithm } from './core/keys/signing-key.ts';

/** How the service is to run. Durations are milliseconds. Holds secrets: never print it. */
export interface Config {
  readonly environment: 'development' | 'production';
  readonly logLevel: LogLevel;
  /** Processes that serve. */
  readonly workers: number;
  readonly listen: ListenAddress;
  /** Undefined: no HTTP endpoint. */
  readonly metricsListen: TcpAddress | undefined;
  /** Undefined: plaintext. */
  readonly tls: TlsFiles | undefined;
  readonly callerAuth: 'open' | 'mtls' | 'token';
  /** Who may state where a person is. */
  readonly frontAuth: 'none' | 'mtls' | 'token';
  readonly reflection: boolean;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly dataDir: string;
  readonly redis: RedisAddress | { readonly kind: 'none' };
  readonly redisWaitReplicas: number;
  /** Undefined: SQLite in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Newest first. Undefined: the one in the data folder. */
  readonly masterKeys: readonly Buffer[] | undefined;
  /** The first user; without a password one is made. */
  readonly bootstrap: { readonly username: string; readonly password: string | undefined };
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly accessTokenTtlMs: number;
  readonly sessionIdleTtlMs: number;
  readonly sessionMaxTtlMs: number;
  readonly refreshGraceMs: number;
  readonly maxStalenessMs: number;
  readonly maxSessionsPerUser: number;
  /** Verified tokens that are remembered; 0: none. */
  readonly tokenCacheSize: number;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly signingKeyRotationMs: number;
  readonly bcrypt: { readonly cost: number; readonly threads: number; readonly waitingPerThread: number };
}

export type LogLevel = Settings['logLevel'];

/** PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly clientCa?: string;
}

/** The environment of a process. */
export interface Environment extends Readonly<Record<string, string | undefined>> {
  readonly NODE_ENV?: string | undefined;
}

export type ConfigOutcome =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'faults'; readonly faults: readonly ConfigFault[] };

const OUR_PREFIX = 'LATCHKEY_';
/**
 * Kubernetes gives every pod variables about each service of its namespace, made of the service's name. For one
 * that is called latchkey, or latchkey-something, they look like ours.
 */
const FROM_KUBERNETES =
  /^LATCHKEY_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
/** One of those could be a person's guess; Kubernetes writes a URL into it. */
const PORT_FROM_KUBERNETES = { name: /_PORT$/, value: /^(?:tcp|udp|sctp):\/\// };
/** Of the operator's command, which is run in the same shell. */
const FROM_CLI = /^LATCHKEY_(?:ADDRESS|USERNAME|PASSWORD|TOKEN)$/;

const REMOTE_DRAIN_DELAY_MS = 2_000;

/**
 * Reads the whole configuration and reports all faults together. A variable that is empty counts as not set.
 *
 * @param cores processors this process may use.
 */
export function readConfig(environment: Environment, cores: number): ConfigOutcome {
  const { settings, unread, faults } = readSettings(environment);
  const isProduction = !unread.has('listen') && environmentOf(settings, environment) === 'production';
  const all = [
    ...unknownNames(environment).map(unknownName),
    ...faults,
    ...brokenRules(settings, unread, isProduction),
  ];
  if (all.length > 0) return { kind: 'faults', faults: all };
  return { kind: 'config', config: deepFreeze(assemble(settings, environment, cores)) };
}

function readSettings(environment: Environment) {
  const settings: Partial<Record<SettingName, unknown>> = {};
  const unread = new Set<SettingName>();
  const faults: ConfigFault[] = [];
  for (const name of SETTING_NAMES) {
    const variable = variableOf(name);
    const fallback = 'fallback' in variable ? variable.fallback : undefined;
    const text = environment[variable.name] || fallback;
    if (text === undefined) continue;
    const parsed = variable.parse(text);
    if ('value' in parsed) {
      settings[name] = parsed.value;
    } else {
      unread.add(name);
      faults.push(badValue(name, text, parsed.problem));
    }
  }
  return { settings: settings as Settings, unread, faults };
}

function unknownNames(environment: Environment): readonly string[] {
  const known = new Set<string>(SETTING_NAMES.map((name) => variableOf(name).name));
  return Object.entries(environment)
    .filter(
      ([name, value]) => name.startsWith(OUR_PREFIX) && !known.has(name) && !isForeign(name, value ?? ''),
    )
    .map(([name]) => name)
    .sort();
}

function isForeign(name: string, value: string): boolean {
  if (FROM_KUBERNETES.test(name) || FROM_CLI.test(name)) return true;
  return PORT_FROM_KUBERNETES.name.test(name) && PORT_FROM_KUBERNETES.value.test(value);
}

function environmentOf({ environment, listen }: Settings, variables: Environment): Config['environment'] {
  if (environment !== undefined) return environment;
  return variables.NODE_ENV !== 'production' && isLoopback(listen) ? 'development' : 'production';
}

function assemble(settings: Settings, variables: Environment, cores: number): Config {
  const { listen, metricsListen } = settings;
  const environment = environmentOf(settings, variables);
  return {
    environment,
    logLevel: settings.logLevel,
    workers: settings.workers,
    listen,
    metricsListen: metricsListen === 'off' ? undefined : metricsListen,
    tls: tlsOf(settings),
    callerAuth: settings.callerAuth ?? 'open',
    frontAuth: settings.frontAuth,
    reflection: settings.reflection ?? environment === 'development',
    drainDelayMs: settings.drainDelayMs ?? (isLoopback(listen) ? 0 : REMOTE_DRAIN_DELAY_MS),
    drainTimeoutMs: settings.drainTimeoutMs,
    dataDir: settings.dataDir,
    redis: settings.redis ?? { kind: 'none' },
    redisWaitReplicas: settings.redisWaitReplicas,
    databaseUrl: settings.databaseUrl,
    masterKeys: settings.masterKeys,
    bootstrap: { username: settings.bootstrapUsername, password: settings.bootstrapPassword },
    issuer: settings.issuer,
    audiences: settings.audiences,
    accessTokenTtlMs: settings.accessTokenTtlMs,
    sessionIdleTtlMs: settings.sessionIdleTtlMs,
    sessionMaxTtlMs: settings.sessionMaxTtlMs,
    refreshGraceMs: settings.refreshGraceMs,
    maxStalenessMs: settings.maxStalenessMs,
    maxSessionsPerUser: settings.maxSessionsPerUser,
    tokenCacheSize: settings.tokenCacheSize,
    signingAlgorithm: settings.signingAlgorithm,
    signingKeyRotationMs: settings.signingKeyRotationMs,
    bcrypt: {
      cost: settings.bcryptCost,
      threads: settings.bcryptThreads ?? Math.max(1, Math.floor((cores - 1) / settings.workers)),
      waitingPerThread: settings.bcryptQueue,
    },
  };
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: Settings): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const files = { certificate: tlsCert, privateKey: tlsKey };
  return tlsClientCa === undefined ? files : { ...files, clientCa: tlsClientCa };
}

/** Bytes cannot be frozen; everything around them is. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
