import { parseListenAddress, parseTcpAddressOrOff } from './listen-address.ts';
import { duration, oneOf, onOrOff, text } from './scalars.ts';
import type { Variable } from './variable.ts';

const MAX_PATH_BYTES = 4096;

/** Who reaches the service, and how. */
export const NETWORK_VARIABLES = {
  listen: {
    name: 'LATCHKEY_LISTEN',
    meaning:
      'gRPC address: `host:port`, `[ipv6]:port` or `unix:/path`; port 0 picks one and the log says which',
    fallback: '127.0.0.1:50051',
    example: '127.0.0.1:50052',
    parse: parseListenAddress,
  },
  metricsListen: {
    name: 'LATCHKEY_METRICS_LISTEN',
    meaning: 'HTTP address of `/metrics`, `/livez` and `/readyz`; `off` for none',
    fallback: '127.0.0.1:9464',
    example: '0.0.0.0:9464',
    parse: parseTcpAddressOrOff,
  },
  plaintext: {
    name: 'LATCHKEY_PLAINTEXT',
    meaning: 'where gRPC may be served without TLS: `loopback`, or `anywhere` behind something that adds TLS',
    fallback: 'loopback',
    example: 'anywhere',
    parse: oneOf('loopback', 'anywhere'),
  },
  tlsCert: {
    name: 'LATCHKEY_TLS_CERT',
    meaning: 'PEM file of the certificate chain; read again when it changes',
    otherwise: '(none: plaintext)',
    example: '/etc/latchkey/tls.crt',
    parse: text(MAX_PATH_BYTES),
  },
  tlsKey: {
    name: 'LATCHKEY_TLS_KEY',
    meaning: 'PEM file of its private key',
    otherwise: '(none)',
    example: '/etc/latchkey/tls.key',
    parse: text(MAX_PATH_BYTES),
  },
  tlsClientCa: {
    name: 'LATCHKEY_TLS_CLIENT_CA',
    meaning: 'PEM file of the authorities whose certificates a client must have; turns on mTLS',
    otherwise: '(none)',
    example: '/etc/latchkey/clients.crt',
    parse: text(MAX_PATH_BYTES),
  },
  callerAuth: {
    name: 'LATCHKEY_CALLER_AUTH',
    meaning:
      'who may ask about tokens (`Validate`, `BatchValidate`, `ValidationService`): `open`, `mtls` (a client certificate) or `token` (an access token with the role `service` or `admin`)',
    otherwise: '`open` on loopback; must be set beyond it',
    example: 'token',
    parse: oneOf('open', 'mtls', 'token'),
  },
  frontAuth: {
    name: 'LATCHKEY_FRONT_AUTH',
    meaning:
      'which callers are fronts, and may state the address of the person they sign in (`origin`): `none`, `mtls` (a client ' +
      'certificate) or `token` (an access token with the role `front`)',
    fallback: 'none',
    example: 'token',
    parse: oneOf('none', 'mtls', 'token'),
  },
  reflection: {
    name: 'LATCHKEY_REFLECTION',
    meaning: 'gRPC server reflection, `on` or `off`',
    otherwise: '`on` in development',
    example: 'on',
    parse: onOrOff,
  },
  drainDelayMs: {
    name: 'LATCHKEY_DRAIN_DELAY',
    meaning: 'after SIGTERM, how long calls are still taken while health says NOT_SERVING',
    otherwise: '`0s` on loopback, else `2s`',
    example: '5s',
    parse: duration('0s', '5m'),
  },
  drainTimeoutMs: {
    name: 'LATCHKEY_DRAIN_TIMEOUT',
    meaning: 'after that, how long calls under way may take before they are cut off',
    fallback: '10s',
    example: '30s',
    parse: duration('0s', '10m'),
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;
