import { listenAddress, tcpAddressOrOff } from './listen-address.ts';
import { duration, oneOf, onOrOff, text } from './scalars.ts';
import { optional, withDefault } from './variable.ts';

const MAX_PATH_BYTES = 4096;

/** Addresses, TLS and callers. */
export const NETWORK_VARIABLES = {
  LATCHKEY_LISTEN: withDefault(listenAddress, '127.0.0.1:50051', {
    meaning:
      'gRPC address: `host:port`, `[ipv6]:port` or `unix:/path`; with port 0 the system chooses a free port, which is logged',
    example: '127.0.0.1:50052',
  }),
  LATCHKEY_METRICS_LISTEN: withDefault(tcpAddressOrOff, '127.0.0.1:9464', {
    meaning: 'HTTP address of `/metrics`, `/livez` and `/readyz`; `off` for none',
    example: '0.0.0.0:9464',
  }),
  LATCHKEY_PLAINTEXT: withDefault(oneOf('loopback', 'anywhere'), 'loopback', {
    meaning: 'where gRPC may be served without TLS: `loopback`, or `anywhere` behind a proxy that adds TLS',
    example: 'anywhere',
  }),
  LATCHKEY_TLS_CERT: optional(text(MAX_PATH_BYTES), '(none: plaintext)', {
    meaning: 'PEM file of the certificate chain; read again when it changes',
    example: '/etc/latchkey/tls.crt',
  }),
  LATCHKEY_TLS_KEY: optional(text(MAX_PATH_BYTES), '(none)', {
    meaning: 'PEM file of the private key of that certificate',
    example: '/etc/latchkey/tls.key',
  }),
  LATCHKEY_TLS_CLIENT_CA: optional(text(MAX_PATH_BYTES), '(none)', {
    meaning: 'PEM file of the authorities that issue client certificates; turns on mTLS',
    example: '/etc/latchkey/clients.crt',
  }),
  LATCHKEY_CALLER_AUTH: optional(oneOf('open', 'mtls', 'token'), '`open` on loopback; required otherwise', {
    meaning:
      'who may validate tokens (`Validate`, `BatchValidate`, `ValidationService`): `open`, `mtls` (a client certificate) or `token` (an access token with the role `service` or `admin`)',
    example: 'token',
  }),
  LATCHKEY_FRONT_AUTH: withDefault(oneOf('none', 'mtls', 'token'), 'none', {
    meaning:
      'which callers are fronts, and may state the address of the user they sign in (`origin`): `none`, `mtls` (a client ' +
      'certificate) or `token` (an access token with the role `front`)',
    example: 'token',
  }),
  LATCHKEY_REFLECTION: optional(onOrOff, '`on` in development', {
    meaning: 'gRPC server reflection, `on` or `off`',
    example: 'on',
  }),
  LATCHKEY_DRAIN_DELAY: optional(duration('0s', '5m'), '`0s` on loopback, else `2s`', {
    meaning: 'after SIGTERM, how long new calls are accepted while health says NOT_SERVING',
    example: '5s',
  }),
  LATCHKEY_DRAIN_TIMEOUT: withDefault(duration('0s', '10m'), '10s', {
    meaning: 'after the drain delay, how long calls in progress may take before they are cancelled',
    example: '30s',
  }),
};
