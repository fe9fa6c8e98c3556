import * as v from 'valibot';
import { type ConfigIssue, issuesOf, unknownNameIssue } from '../../config/config-issue.ts';
import { isLoopback, parseHostAndPort, type TcpAddress } from '../../config/listen-address.ts';
import { BFF_SCHEMA, BFF_VARIABLES, type BffSettings } from './variables.ts';

/** The configuration of the BFF. Contains a password: never print it. */
export interface BffConfig {
  readonly listen: TcpAddress;
  /** Without a slash at the end. Undefined: `http://` and the address that it listens on. */
  readonly publicOrigin: string | undefined;
  /** Paths of PEM files. Undefined: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** Addresses and networks. Empty: none. */
  readonly trustedProxies: readonly string[];
  /** Path of the file. Undefined: a random key. */
  readonly cookieKeysFile: string | undefined;
  readonly service: ServiceConfig;
  /** The application that sessions and tokens name. */
  readonly clientId: string;
  readonly logLevel: BffSettings['LATCHKEY_BFF_LOG_LEVEL'];
  /** How long requests in progress may take after a signal; milliseconds. */
  readonly drainTimeoutMs: number;
}

/** How the service is reached. */
export interface ServiceConfig {
  readonly addresses: readonly string[];
  readonly isPlaintext: boolean;
  /** Path of a PEM file. Undefined: the authorities of Node.js. */
  readonly ca: string | undefined;
  /** Paths of PEM files. Undefined: none. */
  readonly clientKeyPair: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** The account of this program. Undefined: none. */
  readonly account: { readonly username: string; readonly password: string } | undefined;
}

export type BffConfigOutcome =
  | { readonly kind: 'config'; readonly config: BffConfig }
  | { readonly kind: 'issues'; readonly issues: readonly ConfigIssue[] };

type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes sets these if a Service in the namespace is named latchkey-bff. */
const FROM_KUBERNETES = /^LATCHKEY_BFF_(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_.+)?)$/;

/** Reads the configuration and reports all issues together. Ignores the variables of other programs. */
export function readBffConfig(environment: Environment): BffConfigOutcome {
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ''));
  const read = v.safeParse(BFF_SCHEMA, given);
  const unknown = Object.keys(environment).filter(isUnknown).sort();
  const issues = [
    ...unknown.map((name) => unknownNameIssue(name, BFF_VARIABLES)),
    ...issuesOf(read.issues ?? [], given, BFF_VARIABLES),
    ...(read.success ? brokenRules(read.output) : []),
  ];
  if (!read.success || issues.length > 0) return { kind: 'issues', issues };
  return { kind: 'config', config: assemble(read.output) };
}

function isUnknown(name: string): boolean {
  const { prefix, factsOf } = BFF_VARIABLES;
  return name.startsWith(prefix) && factsOf(name) === undefined && !FROM_KUBERNETES.test(name);
}

/** A rule between variables. `message` is the rest of a sentence that begins with the name. */
interface Rule {
  readonly name: keyof BffSettings;
  readonly holds: (settings: BffSettings) => boolean;
  readonly message: string;
}

const RULES: readonly Rule[] = [
  {
    name: 'LATCHKEY_BFF_PUBLIC_ORIGIN',
    holds: (given) => given.LATCHKEY_BFF_PUBLIC_ORIGIN !== undefined || isLoopback(given.LATCHKEY_BFF_LISTEN),
    message: 'must be set, because LATCHKEY_BFF_LISTEN is reachable from other machines',
  },
  {
    name: 'LATCHKEY_BFF_PUBLIC_ORIGIN',
    holds: ({ LATCHKEY_BFF_PUBLIC_ORIGIN: origin }) =>
      origin === undefined || isHttps(origin) || isLoopbackHost(origin),
    message: 'must be https: only on loopback do browsers keep cookies safe without it',
  },
  {
    name: 'LATCHKEY_BFF_PUBLIC_ORIGIN',
    holds: (given) =>
      given.LATCHKEY_BFF_TLS_CERT === undefined ||
      given.LATCHKEY_BFF_PUBLIC_ORIGIN === undefined ||
      isHttps(given.LATCHKEY_BFF_PUBLIC_ORIGIN),
    message: 'must be https, because LATCHKEY_BFF_TLS_CERT is set',
  },
  {
    name: 'LATCHKEY_BFF_COOKIE_KEYS_FILE',
    holds: (given) =>
      given.LATCHKEY_BFF_COOKIE_KEYS_FILE !== undefined ||
      (!isHttps(given.LATCHKEY_BFF_PUBLIC_ORIGIN) && given.LATCHKEY_BFF_TLS_CERT === undefined),
    message: 'must be set with https: forms must go on working after a restart and on other replicas',
  },
  together('LATCHKEY_BFF_TLS_CERT', 'LATCHKEY_BFF_TLS_KEY'),
  together('LATCHKEY_BFF_SERVICE_CERT', 'LATCHKEY_BFF_SERVICE_KEY'),
  together('LATCHKEY_BFF_SERVICE_USERNAME', 'LATCHKEY_BFF_SERVICE_PASSWORD'),
];

function together(name: keyof BffSettings, other: keyof BffSettings): Rule {
  return {
    name,
    holds: (given) => (given[name] === undefined) === (given[other] === undefined),
    message: `and ${other} must be set together`,
  };
}

function brokenRules(settings: BffSettings): readonly ConfigIssue[] {
  return RULES.filter(({ holds }) => !holds(settings)).map(({ name, message }) => ({
    name,
    sentence: `${name} ${message}.`,
    example: `${name}=${BFF_VARIABLES.factsOf(name)?.example}`,
  }));
}

/** @param origin undefined: not known, so false. */
export function isHttps(origin: string | undefined): boolean {
  return origin?.startsWith('https:') ?? false;
}

function isLoopbackHost(origin: string): boolean {
  const { hostname } = new URL(origin);
  return isLoopback({ kind: 'tcp', text: '', host: hostname.replace(/^\[|\]$/g, ''), port: 0 });
}

function assemble(settings: BffSettings): BffConfig {
  return {
    listen: settings.LATCHKEY_BFF_LISTEN,
    publicOrigin: settings.LATCHKEY_BFF_PUBLIC_ORIGIN,
    tls: pairOf(settings.LATCHKEY_BFF_TLS_CERT, settings.LATCHKEY_BFF_TLS_KEY),
    trustedProxies: settings.LATCHKEY_BFF_TRUSTED_PROXIES ?? [],
    cookieKeysFile: settings.LATCHKEY_BFF_COOKIE_KEYS_FILE,
    service: serviceOf(settings),
    clientId: settings.LATCHKEY_BFF_CLIENT_ID,
    logLevel: settings.LATCHKEY_BFF_LOG_LEVEL,
    drainTimeoutMs: settings.LATCHKEY_BFF_DRAIN_TIMEOUT,
  };
}

function serviceOf(settings: BffSettings): ServiceConfig {
  const addresses = settings.LATCHKEY_BFF_SERVICE_ADDRESS;
  const ca = settings.LATCHKEY_BFF_SERVICE_CA;
  const clientKeyPair = pairOf(settings.LATCHKEY_BFF_SERVICE_CERT, settings.LATCHKEY_BFF_SERVICE_KEY);
  const { LATCHKEY_BFF_SERVICE_USERNAME: username, LATCHKEY_BFF_SERVICE_PASSWORD: password } = settings;
  const isLocal = addresses.every(isLocalService);
  const mayBePlaintext = isLocal || settings.LATCHKEY_BFF_SERVICE_PLAINTEXT === 'anywhere';
  return {
    addresses,
    isPlaintext: mayBePlaintext && ca === undefined && clientKeyPair === undefined,
    ca,
    clientKeyPair,
    account: username === undefined || password === undefined ? undefined : { username, password },
  };
}

function isLocalService(address: string): boolean {
  if (address.startsWith('unix:')) return true;
  const parsed = parseHostAndPort(address, 50051);
  return parsed !== undefined && isLoopback({ kind: 'tcp', text: address, ...parsed });
}

function pairOf(certificate: string | undefined, privateKey: string | undefined) {
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
}
