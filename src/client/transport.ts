import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** How the connection is protected. Certificates and keys are PEM. */
export type Transport =
  /** Not at all: passwords and tokens can be read on the way. For loopback and meshes that add TLS. */
  | { readonly kind: 'plaintext' }
  /** TLS 1.3; the service proves who it is to `ca`, by default to the certificate authorities of Node. */
  | { readonly kind: 'tls'; readonly ca?: Buffer }
  /** As `tls`, and the caller proves who it is with a certificate of its own. */
  | { readonly kind: 'mtls'; readonly ca?: Buffer; readonly cert: Buffer; readonly key: Buffer };

/** Throws what `node:tls` throws where a certificate or key cannot be read. */
export function channelCredentials(transport: Transport): ChannelCredentials {
  if (transport.kind === 'plaintext') return credentials.createInsecure();
  const ca = transport.ca === undefined ? {} : { ca: transport.ca };
  const own = transport.kind === 'mtls' ? { cert: transport.cert, key: transport.key } : {};
  return credentials.createFromSecureContext(createSecureContext({ minVersion: 'TLSv1.3', ...ca, ...own }));
}
