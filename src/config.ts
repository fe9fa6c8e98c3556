import * as v from 'valibot';
import { type ConfigIssue, issuesOf, unknownNameIssue } from './config/config-issue.ts';
import { isLoopback, type ListenAddress, type TcpAddress } from './config/listen-address.ts';
import { ENVIRONMENT_SCHEMA, environmentOf } from './config/rules.ts';
import type { RedisUrl } from './config/store-address.ts';
import { isVariable, SERVICE_VARIABLES, type Settings } from './config/variables.ts';
import type { SigningAlgorithm } from './core/keys/signing-key.ts';
import type { DevicePolicy } from './core/user/device-policy.ts';

/** The configuration of the service. Durations are in milliseconds. Contains secrets: never print it. */
export interface Config {
  readonly environment: 'development' | 'production';
  readonly logLevel: Settings['LATCHKEY_LOG_LEVEL'];
  /** Number of worker processes. */
  readonly workers: number;
  readonly listen: ListenAddress;
  /** Undefined: no metrics endpoint. */
  readonly metricsListen: TcpAddress | undefined;
  /** Paths of PEM files. Undefined: plaintext. */
  readonly tls:
    | { readonly certificate: string; readonly privateKey: string; readonly clientCa?: string }
    | undefined;
  readonly callerAuth: 'open' | 'mtls' | 'token';
  /** Which callers are fronts and may state an `origin`. */
  readonly frontAuth: 'none' | 'mtls' | 'token';
  readonly reflection: boolean;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly dataDir: string;
  readonly redis: RedisUrl | { readonly kind: 'none' };
  readonly redisWaitReplicas: number;
  /** Undefined: SQLite in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Audit events older than this are deleted. */
  readonly auditRetentionMs: number;
  /** Newest first. Undefined: the key in the data folder. */
  readonly masterKeys: readonly Buffer[] | undefined;
  /** The first user. Without a password one is generated. */
  readonly bootstrap: { readonly username: string; readonly password: string | undefined };
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly accessTokenTtlMs: number;
  readonly sessionIdleTtlMs: number;
  readonly sessionMaxTtlMs: number;
  readonly refreshGraceMs: number;
  readonly maxStalenessMs: number;
  /** Of the sign-in pages, without a slash at the end. */
  readonly publicOrigin: string;
  readonly qrTicketTtlMs: number;
  /** For users without a policy of their own. */
  readonly devicePolicy: DevicePolicy;
  /** Undefined: failed sign-ins are not limited. */
  readonly loginLimits: { readonly failuresPerAddress: number } | undefined;
  /** Paths of files. Undefined: no rules; no countries. */
  readonly risk: { readonly rulesFile: string | undefined; readonly geoFile: string | undefined };
  /** Path of a file. Undefined: no identity providers. */
  readonly providersFile: string | undefined;
  /** Number of verified tokens to cache. 0: no cache. */
  readonly tokenCacheSize: number;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly signingKeyRotationMs: number;
  readonly bcrypt: { readonly cost: number; readonly threads: number; readonly waitingPerThread: number };
}

/** The environment of a process. */
export interface Environment extends Readonly<Record<string, string | undefined>> {
  readonly NODE_ENV?: string | undefined;
}

export type ConfigOutcome =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'issues'; readonly issues: readonly ConfigIssue[] };

/**
 * Kubernetes sets variables for each service of the namespace in every pod. Their names begin with the service name,
 * so those of a service named latchkey or latchkey-* look like ours.
 */
const FROM_KUBERNETES =
  /^LATCHKEY_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
/** The LATCHKEY_PORT of Kubernetes contains a URL. Any other LATCHKEY_PORT is a mistake. */
const PORT_FROM_KUBERNETES = { name: /_PORT$/, value: /^(?:tcp|udp|sctp):\/\// };
/** Variables of the command-line tool and of the BFF, which may run in the same shell. */
const FROM_OTHER_PROGRAMS = /^LATCHKEY_(?:ADDRESS|USERNAME|PASSWORD|TOKEN|BFF_.*)$/;

const REMOTE_DRAIN_DELAY_MS = 2_000;

/**
 * Reads the whole configuration and reports all issues together. An empty variable counts as not set.
 *
 * @param cores number of processors that this process may use.
 */
export function readConfig(environment: Environment, cores: number): ConfigOutcome {
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ''));
  const read = v.safeParse(ENVIRONMENT_SCHEMA, given);
  const issues = [
    ...unknownNames(environment).map((name) => unknownNameIssue(name, SERVICE_VARIABLES)),
    ...issuesOf(read.issues ?? [], given, SERVICE_VARIABLES),
  ];
  if (!read.success || issues.length > 0) return { kind: 'issues', issues };
  return { kind: 'config', config: deepFreeze(assemble(read.output, cores)) };
}

function unknownNames(environment: Environment): readonly string[] {
  return Object.entries(environment)
    .filter(
      ([name, value]) =>
        name.startsWith(SERVICE_VARIABLES.prefix) && !isVariable(name) && !isForeign(name, value ?? ''),
    )
    .map(([name]) => name)
    .sort();
}

function isForeign(name: string, value: string): boolean {
  if (FROM_KUBERNETES.test(name) || FROM_OTHER_PROGRAMS.test(name)) return true;
  return PORT_FROM_KUBERNETES.name.test(name) && PORT_FROM_KUBERNETES.value.test(value);
}

function assemble(settings: Settings, cores: number): Config {
  const listen = settings.LATCHKEY_LISTEN;
  const metricsListen = settings.LATCHKEY_METRICS_LISTEN;
  const environment = environmentOf(settings);
  return {
    environment,
    logLevel: settings.LATCHKEY_LOG_LEVEL,
    workers: settings.LATCHKEY_WORKERS,
    listen,
    metricsListen: metricsListen === 'off' ? undefined : metricsListen,
    tls: tlsOf(settings),
    callerAuth: settings.LATCHKEY_CALLER_AUTH ?? 'open',
    frontAuth: settings.LATCHKEY_FRONT_AUTH,
    reflection: settings.LATCHKEY_REFLECTION ?? environment === 'development',
    drainDelayMs: settings.LATCHKEY_DRAIN_DELAY ?? (isLoopback(listen) ? 0 : REMOTE_DRAIN_DELAY_MS),
    drainTimeoutMs: settings.LATCHKEY_DRAIN_TIMEOUT,
    dataDir: settings.LATCHKEY_DATA_DIR,
    redis: settings.LATCHKEY_REDIS_URL ?? { kind: 'none' },
    redisWaitReplicas: settings.LATCHKEY_REDIS_WAIT_REPLICAS,
    databaseUrl: settings.LATCHKEY_DATABASE_URL,
    auditRetentionMs: settings.LATCHKEY_AUDIT_RETENTION,
    masterKeys: settings.LATCHKEY_MASTER_KEY,
    bootstrap: {
      username: settings.LATCHKEY_BOOTSTRAP_USERNAME,
      password: settings.LATCHKEY_BOOTSTRAP_PASSWORD,
    },
    issuer: settings.LATCHKEY_ISSUER,
    audiences: settings.LATCHKEY_AUDIENCE,
    accessTokenTtlMs: settings.LATCHKEY_ACCESS_TOKEN_TTL,
    sessionIdleTtlMs: settings.LATCHKEY_SESSION_IDLE_TTL,
    sessionMaxTtlMs: settings.LATCHKEY_SESSION_MAX_TTL,
    refreshGraceMs: settings.LATCHKEY_REFRESH_GRACE,
    maxStalenessMs: settings.LATCHKEY_MAX_STALENESS,
    publicOrigin: settings.LATCHKEY_PUBLIC_ORIGIN ?? new URL(settings.LATCHKEY_ISSUER).origin,
    qrTicketTtlMs: settings.LATCHKEY_QR_TICKET_TTL,
    devicePolicy: devicePolicyOf(settings),
    loginLimits: settings.LATCHKEY_LOGIN_LIMITS
      ? { failuresPerAddress: settings.LATCHKEY_LOGIN_FAILURES_PER_ADDRESS }
      : undefined,
    risk: { rulesFile: settings.LATCHKEY_RISK_RULES_FILE, geoFile: settings.LATCHKEY_GEO_FILE },
    providersFile: settings.LATCHKEY_PROVIDERS_FILE,
    tokenCacheSize: settings.LATCHKEY_TOKEN_CACHE_SIZE,
    signingAlgorithm: settings.LATCHKEY_SIGNING_ALGORITHM,
    signingKeyRotationMs: settings.LATCHKEY_SIGNING_KEY_ROTATION,
    bcrypt: {
      cost: settings.LATCHKEY_BCRYPT_COST,
      threads:
        settings.LATCHKEY_BCRYPT_THREADS ?? Math.max(1, Math.floor((cores - 1) / settings.LATCHKEY_WORKERS)),
      waitingPerThread: settings.LATCHKEY_BCRYPT_QUEUE,
    },
  };
}

function devicePolicyOf(settings: Settings): DevicePolicy {
  const kind = settings.LATCHKEY_DEVICE_POLICY;
  const atLimit = settings.LATCHKEY_DEVICE_LIMIT_ACTION;
  switch (kind) {
    case 'unlimited':
      return { kind };
    case 'limit':
      return { kind, maxSessions: settings.LATCHKEY_MAX_SESSIONS_PER_USER, atLimit };
    case 'one-per-platform':
    case 'one':
      return { kind, atLimit };
  }
}

function tlsOf(settings: Settings): Config['tls'] {
  const {
    LATCHKEY_TLS_CERT: certificate,
    LATCHKEY_TLS_KEY: privateKey,
    LATCHKEY_TLS_CLIENT_CA: clientCa,
  } = settings;
  if (certificate === undefined || privateKey === undefined) return undefined;
  return clientCa === undefined ? { certificate, privateKey } : { certificate, privateKey, clientCa };
}

/** Skips buffers, which cannot be frozen. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
