import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type ChannelCredentials, credentials as grpc } from '@grpc/grpc-js';

/**
 * How the connection is secured. Certificates and keys are PEM: the content of a file, not its path.
 *
 * `connect` throws a `TypeError` if a certificate or key cannot be used.
 *
 * @example
 * const credentials: Credentials = { kind: 'tls', ca: readFileSync('/etc/billing/ca.pem') };
 */
export type Credentials =
  /** No TLS: the network can read passwords and tokens. For loopback, and for meshes that add TLS. */
  | { readonly kind: 'plaintext' }
  /** TLS 1.3. */
  | {
      readonly kind: 'tls';
      /** Authorities that may issue the service's certificate. Default: those of Node. */
      readonly ca?: Pem | undefined;
    }
  /** TLS 1.3 with a certificate of the client. */
  | {
      readonly kind: 'mtls';
      /** Authorities that may issue the service's certificate. Default: those of Node. */
      readonly ca?: Pem | undefined;
      /** The client's certificate, then the intermediate ones if there are any. */
      readonly cert: Pem;
      /** The private key of `cert`. */
      readonly key: Pem;
    };

/**
 * PEM text: one or more certificates, or a private key without a passphrase.
 *
 * @example
 * const ca: Pem = readFileSync('/etc/billing/ca.pem');
 */
export type Pem = string | Buffer;

/** The fields of each kind. */
const FIELDS: Readonly<Record<Credentials['kind'], readonly string[]>> = {
  plaintext: [],
  tls: ['ca'],
  mtls: ['ca', 'cert', 'key'],
};
const CERTIFICATES = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----.*?-----END \1-----/gs;
/** Longer values are not shown: they may contain a key. */
const MAX_SHOWN = 40;
/** Looks like a path and not like PEM: no line break, no space, and a slash, dot or backslash. */
const PATH_LIKE = /^(?!.*-----BEGIN)[\w.~:/\\-]*[./\\][\w.~:/\\-]*$/;

/** Throws a `TypeError` that names the invalid field. The message never contains key material. */
export function channelCredentials(credentials: Credentials): ChannelCredentials {
  checkFields(credentials);
  if (credentials.kind === 'plaintext') return grpc.createInsecure();
  const ca = credentials.ca === undefined ? {} : { ca: certificatesIn('ca', credentials.ca) };
  const own = credentials.kind === 'mtls' ? ownCertificate(credentials) : {};
  return grpc.createFromSecureContext(secureContext({ minVersion: 'TLSv1.3', ...ca, ...own }));
}

function checkFields(credentials: unknown): void {
  const { kind, ...fields } = Object(credentials) as Readonly<Record<string, unknown>>;
  if (typeof credentials !== 'object' || credentials === null) {
    throw new TypeError(
      `connect: credentials is ${kindOf(credentials)}; it must be an object, such as { kind: 'plaintext' }.`,
    );
  }
  const taken = Object.hasOwn(FIELDS, String(kind)) ? FIELDS[kind as Credentials['kind']] : undefined;
  if (taken === undefined) {
    const shown = typeof kind === 'string' && kind.length <= MAX_SHOWN ? JSON.stringify(kind) : kindOf(kind);
    throw new TypeError(`connect: credentials.kind is ${shown}; it must be plaintext, tls or mtls.`);
  }
  for (const name of Object.keys(fields)) {
    if (taken.includes(name)) continue;
    const there = taken.join(', ') || 'nothing';
    const shown = name.length <= MAX_SHOWN ? name : 'such field';
    throw new TypeError(`connect: credentials of kind ${kind} has no ${shown}; it takes ${there}.`);
  }
}

function ownCertificate(given: { readonly cert: Pem; readonly key: Pem }): { cert: string; key: string } {
  const cert = certificatesIn('cert', given.cert);
  const key = textOf('key', given.key);
  if (!new X509Certificate(cert).checkPrivateKey(privateKeyIn(key))) {
    throw fault('key', 'is not the key of the certificate in credentials.cert: use a matching pair');
  }
  return { cert, key };
}

/** Extracts and parses the certificates. OpenSSL would silently ignore text that is not a certificate. */
function certificatesIn(field: string, pem: Pem): string {
  const text = textOf(field, pem);
  const blocks = text.match(CERTIFICATES);
  if (blocks === null) throw notPem(field, text, 'certificate');
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    throw fault(field, 'is not a certificate in PEM form: it is damaged');
  }
  return blocks.join('\n');
}

function privateKeyIn(text: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    if (!/^-----BEGIN .*PRIVATE KEY-----$/m.test(text)) throw notPem('key', text, 'private key');
    const why = /ENCRYPTED/.test(text) ? 'it is encrypted' : 'it is damaged, or its type is unknown';
    throw fault('key', `is not a private key in PEM form without a passphrase: ${why}`);
  }
}

function textOf(field: string, pem: unknown): string {
  if (typeof pem === 'string') return pem;
  if (Buffer.isBuffer(pem)) return pem.toString('latin1');
  if (pem === undefined)
    throw fault(field, 'is missing: mtls requires cert and its private key, both in PEM form');
  throw fault(field, `is ${kindOf(pem)}; it must be PEM in a string or a Buffer`);
}

function notPem(field: string, text: string, wanted: string): TypeError {
  const remedy = PATH_LIKE.test(text.trim()) ? ': pass the content of the file, not its path' : '';
  return fault(field, `is not a ${wanted} in PEM form (-----BEGIN …-----)${remedy}`);
}

/** OpenSSL may reject a well-formed key, for example because it is too short. */
function secureContext(options: SecureContextOptions): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext(options);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error:.*:/, '');
    throw new TypeError(`connect: OpenSSL rejected the certificate or key in credentials: ${reason}.`);
  }
}

function fault(field: string, what: string): TypeError {
  return new TypeError(`connect: credentials.${field} ${what}.`);
}

/** The type of a value, never its content: it may be a key. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return 'a string';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
