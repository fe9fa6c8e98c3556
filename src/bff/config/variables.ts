import { BlockList, isIP, isIPv4 } from 'node:net';
import * as v from 'valibot';
import { tcpAddress } from '../../config/listen-address.ts';
import { duration, list, oneOf, origin, parsed, text } from '../../config/scalars.ts';
import { optional, type ShownFacts, type VariableSet, withDefault } from '../../config/variable.ts';

const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 256;

/** A file that a variable names. */
const file = text(MAX_PATH_BYTES);

/** Addresses and networks: `10.0.0.0/8,::1`. */
const networks = parsed<readonly string[]>((value) => {
  const parts = value.split(',');
  return parts.every(isNetwork) ? parts : undefined;
}, 'must be IP addresses or networks such as 10.0.0.0/8, separated by commas');

function isNetwork(value: string): boolean {
  const [address = '', bits, more] = value.split('/');
  if (isIP(address) === 0 || more !== undefined) return false;
  if (bits === undefined) return true;
  if (!/^\d{1,3}$/.test(bits)) return false;
  try {
    new BlockList().addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}

const VARIABLES = {
  LATCHKEY_BFF_LISTEN: withDefault(tcpAddress, '127.0.0.1:8080', {
    meaning: 'HTTP address: `host:port` or `[ipv6]:port`; with port 0 the system chooses a free port',
    example: '0.0.0.0:8080',
  }),
  LATCHKEY_BFF_PUBLIC_ORIGIN: optional(origin, 'http on the listen address, if it is loopback', {
    meaning:
      'where browsers reach the pages; the same as `LATCHKEY_PUBLIC_ORIGIN` of the service. With https, a proxy adds TLS ' +
      'or `LATCHKEY_BFF_TLS_CERT` is set; http only on loopback',
    example: 'https://login.example.com',
  }),
  LATCHKEY_BFF_TLS_CERT: optional(file, '(none: plain HTTP)', {
    meaning: 'PEM file of the certificate chain that browsers see',
    example: '/etc/latchkey/web.crt',
  }),
  LATCHKEY_BFF_TLS_KEY: optional(file, '(none)', {
    meaning: 'PEM file of the private key of that certificate',
    example: '/etc/latchkey/web.key',
  }),
  LATCHKEY_BFF_TRUSTED_PROXIES: optional(networks, '(none)', {
    meaning:
      "addresses of the proxies in front, and networks of them; only they may state the browser's address in `X-Forwarded-For`",
    example: '10.0.0.0/8,fd00::/8',
  }),
  LATCHKEY_BFF_COOKIE_KEYS_FILE: optional(file, 'a random key; required with https', {
    meaning:
      'file with the keys of the MACs in forms and cookies: one or more lines of 32 random bytes in base64url. The first signs, all ' +
      'verify. The same on each replica',
    example: '/etc/latchkey/cookie.keys',
  }),
  LATCHKEY_BFF_SERVICE_ADDRESS: withDefault(list(MAX_NAME_BYTES), '127.0.0.1:50051', {
    meaning: 'gRPC address of the service; a list of its replicas if there are several',
    example: 'latchkey-0:50051,latchkey-1:50051',
  }),
  LATCHKEY_BFF_SERVICE_PLAINTEXT: withDefault(oneOf('loopback', 'anywhere'), 'loopback', {
    meaning:
      'where the service may be called without TLS: `loopback`, or `anywhere` in a private network or mesh',
    example: 'anywhere',
  }),
  LATCHKEY_BFF_SERVICE_CA: optional(file, '(the CAs of Node.js)', {
    meaning: "PEM file of the authorities that issue the service's certificate",
    example: '/etc/latchkey/ca.crt',
  }),
  LATCHKEY_BFF_SERVICE_CERT: optional(file, '(none)', {
    meaning:
      'PEM file of the client certificate that makes this program a front (`LATCHKEY_FRONT_AUTH=mtls`)',
    example: '/etc/latchkey/front.crt',
  }),
  LATCHKEY_BFF_SERVICE_KEY: optional(file, '(none)', {
    meaning: 'PEM file of the private key of that certificate',
    example: '/etc/latchkey/front.key',
  }),
  LATCHKEY_BFF_SERVICE_USERNAME: optional(text(MAX_NAME_BYTES), '(none)', {
    meaning:
      'user that this program signs in as, with the roles `front` and `service`, if `LATCHKEY_FRONT_AUTH=token`',
    example: 'bff',
  }),
  LATCHKEY_BFF_SERVICE_PASSWORD: optional(text(1_024), '(none)', {
    meaning: 'password of that user',
    example: 'a-long-random-password',
    secret: true,
  }),
  LATCHKEY_BFF_CLIENT_ID: withDefault(text(64), 'web', {
    meaning: 'the application that sessions and tokens of browsers name',
    example: 'intranet',
  }),
  LATCHKEY_BFF_LOG_LEVEL: withDefault(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    { meaning: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`', example: 'debug' },
  ),
  LATCHKEY_BFF_DRAIN_TIMEOUT: withDefault(duration('0s', '10m'), '10s', {
    meaning: 'after SIGTERM, how long requests in progress may take',
    example: '30s',
  }),
};

type Name = keyof typeof VARIABLES;

export const BFF_SCHEMA = v.object(VARIABLES);

/** The parsed values. */
export type BffSettings = v.InferOutput<typeof BFF_SCHEMA>;

function isName(name: string): name is Name {
  return Object.hasOwn(VARIABLES, name);
}

/** The variables of the BFF, in the order of the table. */
export const BFF_VARIABLES: VariableSet = {
  program: 'latchkey-bff',
  prefix: 'LATCHKEY_BFF_',
  names: Object.keys(VARIABLES),
  factsOf: (name) => (isName(name) ? (v.getMetadata(VARIABLES[name]) as unknown as ShownFacts) : undefined),
};
