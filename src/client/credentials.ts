import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, credentials as grpc } from '@grpc/grpc-js';

/** How the connection is protected. Certificates and keys are PEM. */
export type Credentials =
  /** Not at all: passwords and tokens can be read on the way. For loopback and meshes that add TLS. */
  | { readonly kind: 'plaintext' }
  /** TLS 1.3; the service proves who it is to `ca`, by default to the certificate authorities of Node. */
  | { readonly kind: 'tls'; readonly ca?: Buffer }
  /** As `tls`, and the caller proves who it is with a certificate of its own. */
  | { readonly kind: 'mtls'; readonly ca?: Buffer; readonly cert: Buffer; readonly key: Buffer };

/** Throws what `node:tls` throws where a certificate or key cannot be read. */
export function channelCredentials(credentials: Credentials): ChannelCredentials {
  if (credentials.kind === 'plaintext') return grpc.createInsecure();
  const ca = credentials.ca === undefined ? {} : { ca: credentials.ca };
  const own = credentials.kind === 'mtls' ? { cert: credentials.cert, key: credentials.key } : {};
  return grpc.createFromSecureContext(createSecureContext({ minVersion: 'TLSv1.3', ...ca, ...own }));
}
