import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Server } from '@grpc/grpc-js';
import { http2ServersOf } from './http2-servers.ts';
import type { ServerLog } from './server-log.ts';

/** Log lines per interval. Further failures are only counted. */
const MAX_LINES = 5;
const INTERVAL_MS = 1_000;

const NO_CERTIFICATE = 'the client sent no certificate';
const NOT_TLS = 'the client does not speak TLS';
const OLD_TLS = 'the client does not speak TLS 1.3';
const UNTRUSTED = 'the client does not trust the certificate of this service';

/** By error code. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: NO_CERTIFICATE,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: UNTRUSTED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: UNTRUSTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: UNTRUSTED,
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the client did not complete the handshake in time',
  ECONNRESET: 'the client closed the connection; it may not trust the certificate of this service',
};

/** Problems of a client's certificate, by verification error code. */
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

/**
 * Logs failed TLS handshakes with the peer and the reason, at most five per second. The library does not log them.
 * A connection that closes before it sends anything is a port probe and is not logged.
 *
 * @param server must be bound or have a connection injector.
 */
export function logFailedHandshakes(server: Server, log: ServerLog): void {
  const warn = limited(log);
  for (const http2Server of http2ServersOf(server)) {
    // Node caches the address on first read and cannot read it once the connection is closed.
    http2Server.on('connection', (socket: Socket) => socket.remoteAddress);
    http2Server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const connection = connectionUnder(socket);
      if (error.code === 'ECONNRESET' && connection.bytesRead === 0) return;
      const { remoteAddress = 'unknown', remotePort = 0 } = connection;
      warn({ peer: `${remoteAddress}:${remotePort}`, reason: reasonOf(error, socket) });
    });
  }
}

/** The TCP connection under a TLS socket, which is private in Node. */
function connectionUnder(socket: TLSSocket): Socket {
  return (Reflect.get(socket, '_parent') as Socket | undefined) ?? socket;
}

function reasonOf(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // Holds the error code as a string if verification failed, although it is typed as an Error.
  const fault: unknown = socket.authorizationError;
  if (typeof fault === 'string') {
    const problem = CERTIFICATE_FAULTS[fault] ?? 'was not issued by an authority in LATCHKEY_TLS_CLIENT_CA';
    return `the client certificate ${problem} (${fault})`;
  }
  const { code = 'unknown' } = error;
  return REASONS[code] ?? code;
}

/** Logs up to `MAX_LINES` warnings per interval. At its end, logs how many were omitted. */
function limited(log: ServerLog): (fields: object) => void {
  let count = 0;
  const endInterval = () => {
    const omitted = count - MAX_LINES;
    count = 0;
    if (omitted > 0) log.warn({ omitted }, 'more TLS handshakes failed');
  };
  return (fields) => {
    if (count === 0) setTimeout(endInterval, INTERVAL_MS).unref();
    count += 1;
    if (count <= MAX_LINES) log.warn(fields, 'TLS handshake failed');
  };
}
