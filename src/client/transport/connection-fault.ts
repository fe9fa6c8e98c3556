import { type ServiceError, status } from '@grpc/grpc-js';

/**
 * Why there was no answer from latchkey, as far as the client can tell. `TLS_REQUIRED` and `CERTIFICATE_REQUIRED` are
 * the most likely causes of a connection that closes without a message. `SILENT`: no connection in time. `OTHER`: see
 * `reason`.
 *
 * @example
 * const needsOperator: readonly ConnectionFaultKind[] = ['TLS_REQUIRED', 'AUTHORITY_UNKNOWN', 'CERTIFICATE_INVALID'];
 */
export type ConnectionFaultKind =
  | 'TLS_REQUIRED'
  | 'TLS_NOT_SPOKEN'
  | 'AUTHORITY_UNKNOWN'
  | 'CERTIFICATE_INVALID'
  | 'CERTIFICATE_REQUIRED'
  | 'NOT_LATCHKEY'
  | 'REFUSED'
  | 'NAME_UNKNOWN'
  | 'SILENT'
  | 'OTHER';

/**
 * A description of why there was no answer from latchkey.
 *
 * @example
 * const textOf = ({ reason, remedy }: ConnectionFault) => (remedy === undefined ? reason : `${reason}: ${remedy}`);
 * await latchkey.ready().catch((error: unknown) => {
 *   if (!(error instanceof LatchkeyError) || error.connectionFault === undefined) throw error;
 *   log.error({ fault: textOf(error.connectionFault) });
 * });
 */
export interface ConnectionFault {
  readonly kind: ConnectionFaultKind;
  /** What the client observed. No period at the end. */
  readonly reason: string;
  /** What to do, in terms of the client's options. No period at the end. Undefined only for `OTHER`. */
  readonly remedy: string | undefined;
}

interface Known extends ConnectionFault {
  /** Matches the error text of the transport. */
  readonly said: RegExp;
  /** Applies only with TLS (true) or only without (false). Default: both. */
  readonly isTls?: boolean;
}

const CHECK_PORT = 'Check the address and the port';
const SHOW_CERTIFICATE =
  "Use credentials: { kind: 'mtls', ca, cert, key } with a certificate that the service accepts";
const KNOWN: readonly Known[] = [
  {
    said: /^Failed to connect$|ECONNRESET/,
    isTls: false,
    kind: 'TLS_REQUIRED',
    reason: 'the connection was opened and closed immediately',
    remedy: "If the service uses TLS, use credentials: { kind: 'tls', ca }; otherwise check the port",
  },
  {
    said: /wrong version number|packet length too long/i,
    isTls: true,
    kind: 'TLS_NOT_SPOKEN',
    reason: 'the server there does not speak TLS',
    remedy: `${CHECK_PORT}; for a service without TLS use credentials: { kind: 'plaintext' }`,
  },
  {
    said: /before secure TLS connection|ECONNRESET/,
    isTls: true,
    kind: 'TLS_NOT_SPOKEN',
    reason: 'the connection was closed during the TLS handshake',
    remedy: `${CHECK_PORT}; for a service without TLS use credentials: { kind: 'plaintext' }`,
  },
  {
    said: /self-signed certificate|unable to (?:verify|get)/i,
    kind: 'AUTHORITY_UNKNOWN',
    reason: "the service's certificate is from an unknown authority",
    remedy: 'Find out which authority issued it, and set credentials.ca to its certificate',
  },
  {
    said: /does not match certificate's altnames/i,
    kind: 'CERTIFICATE_INVALID',
    reason: "the service's certificate does not cover this name",
    remedy: 'Connect to a name in the certificate',
  },
  {
    said: /certificate (?:has expired|is not yet valid)/i,
    kind: 'CERTIFICATE_INVALID',
    reason: "the service's certificate has expired, or is not valid yet",
    remedy: 'Renew it, and check the clocks of both machines',
  },
  {
    said: /alert certificate required/i,
    kind: 'CERTIFICATE_REQUIRED',
    reason: 'the service requires a client certificate',
    remedy: SHOW_CERTIFICATE,
  },
  {
    said: /alert (?:bad certificate|unknown ca|certificate|unsupported certificate)/i,
    kind: 'CERTIFICATE_REQUIRED',
    reason: 'the service does not accept the client certificate',
    remedy: SHOW_CERTIFICATE,
  },
  {
    said: /^Failed to connect$/,
    isTls: true,
    kind: 'CERTIFICATE_REQUIRED',
    reason: 'the service closed the connection after the TLS handshake; it may require another certificate',
    remedy: SHOW_CERTIFICATE,
  },
  {
    said: /alert protocol version|unsupported protocol/i,
    kind: 'NOT_LATCHKEY',
    reason: 'the server there does not speak TLS 1.3',
    remedy: CHECK_PORT,
  },
  {
    said: /no application protocol|^Protocol error$/i,
    kind: 'NOT_LATCHKEY',
    reason: 'the server there does not speak HTTP/2',
    remedy: CHECK_PORT,
  },
  {
    said: /ECONNREFUSED|ENOENT/,
    kind: 'REFUSED',
    reason: 'nothing listens there',
    remedy: 'Check the address and the port, and that the service runs',
  },
  {
    said: /^Name resolution failed|ENOTFOUND|EAI_AGAIN/,
    kind: 'NAME_UNKNOWN',
    reason: 'the name cannot be resolved',
    remedy: 'Check the address',
  },
  {
    said: /^Deadline exceeded.*Waiting for LB pick/,
    kind: 'SILENT',
    reason: 'no connection was made in time',
    remedy: `${CHECK_PORT}, and whether a firewall blocks it`,
  },
];
const NOT_LATCHKEY: ConnectionFault = {
  kind: 'NOT_LATCHKEY',
  reason: 'the server there is not latchkey, or is too old for this method',
  remedy: CHECK_PORT,
};

/** The prefixes that the layers of grpc-js put before the reason. */
const LAYERS = /^(?:round_robin: )?(?:No connection established\. Last error: )+(?:Error: )?/;

/** The error text of a call that got no answer. */
export function explained(address: string, { reason, remedy }: ConnectionFault): string {
  return `no answer from latchkey at ${address}: ${reason}.${remedy === undefined ? '' : ` ${remedy}.`}`;
}

/**
 * Why there was no answer from latchkey. Undefined: there was one.
 *
 * @param error of a call whose status has no details from latchkey.
 */
export function connectionFault(
  { code, details }: ServiceError,
  isTls: boolean,
): ConnectionFault | undefined {
  if (code === status.UNIMPLEMENTED || details.startsWith('Received HTTP status code')) return NOT_LATCHKEY;
  if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return undefined;
  const said = reasonIn(details);
  const isBefore = LAYERS.test(details) || /^(?:Name|Deadline)/.test(details);
  const known = KNOWN.find((one) => isBefore && one.said.test(said) && (one.isTls ?? isTls) === isTls);
  if (known === undefined) {
    const reason = said.replace(/^(Deadline exceeded after [\d.]+s),.*$/s, '$1');
    return { kind: 'OTHER', reason, remedy: undefined };
  }
  const { kind, reason, remedy } = known;
  return { kind, reason, remedy };
}

/** Strips what grpc-js and OpenSSL put around the reason. */
function reasonIn(details: string): string {
  const reason = details
    .replace(LAYERS, '')
    .replace(/\s*Resolution note:\s*$/, '')
    .replace(/\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
    // `<thread>:error:<code>:<library>:<function>:<reason>:<file>:<line>:<more>`, on a line of its own.
    .replace(/[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):[^\n]*\n?/, '$1')
    .replace(/^(?:Error: )+/, '')
    .replace(/[.\s]*$/, '');
  return reason === '' ? details.trim() : reason;
}
