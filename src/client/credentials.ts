import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type ChannelCredentials, credentials as grpc } from '@grpc/grpc-js';

/** How the connection is protected. Certificates and keys are PEM: the content of a file, not its path. */
export type Credentials =
  /** Not at all: passwords and tokens can be read on the way. For loopback and meshes that add TLS. */
  | { readonly kind: 'plaintext' }
  /** TLS 1.3; the service proves who it is to `ca`, by default to the certificate authorities of Node. */
  | { readonly kind: 'tls'; readonly ca?: Pem }
  /** As `tls`, and the caller proves who it is with a certificate of its own. */
  | { readonly kind: 'mtls'; readonly ca?: Pem; readonly cert: Pem; readonly key: Pem };

/** One or more certificates, or a private key without a passphrase. */
export type Pem = string | Buffer;

/** What each kind takes. */
const FIELDS: Readonly<Record<Credentials['kind'], readonly string[]>> = {
  plaintext: [],
  tls: ['ca'],
  mtls: ['ca', 'cert', 'key'],
};
const CERTIFICATES = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----.*?-----END \1-----/gs;
/** Longer names were not meant as names; they may hold a key. */
const MAX_SHOWN = 40;
/** No line break and no space, and short, as paths are and PEM is not. */
const PATH_LIKE = /^(?!.*-----BEGIN)[\w.~:/\\-]*[./\\][\w.~:/\\-]*$/;

/** Throws a `TypeError` that says what is wrong with which field, and shows nothing of a key. */
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
      `connect: credentials is ${kindOf(credentials)}, and must be an object: { kind: 'plaintext' }.`,
    );
  }
  const taken = Object.hasOwn(FIELDS, String(kind)) ? FIELDS[kind as Credentials['kind']] : undefined;
  if (taken === undefined) {
    const shown = typeof kind === 'string' && kind.length <= MAX_SHOWN ? JSON.stringify(kind) : kindOf(kind);
    throw new TypeError(`connect: credentials.kind is ${shown}, and must be plaintext, tls or mtls.`);
  }
  for (const name of Object.keys(fields)) {
    if (taken.includes(name)) continue;
    const there = taken.join(', ') || 'nothing';
    const shown = name.length <= MAX_SHOWN ? name : 'such field';
    throw new TypeError(`connect: credentials of the kind ${kind} has no ${shown}; it takes ${there}.`);
  }
}

function ownCertificate(given: { readonly cert: Pem; readonly key: Pem }): { cert: string; key: string } {
  const cert = certificatesIn('cert', given.cert);
  const key = textOf('key', given.key);
  if (!new X509Certificate(cert).checkPrivateKey(privateKeyIn(key))) {
    throw fault(
      'key',
      'is not the key of the certificate in credentials.cert: give the two that belong together',
    );
  }
  return { cert, key };
}

/** The certificates alone. Each is read: OpenSSL passes over what is no certificate without a word. */
function certificatesIn(field: string, pem: Pem): string {
  const text = textOf(field, pem);
  const blocks = text.match(CERTIFICATES);
  if (blocks === null) throw notPem(field, text, 'certificate');
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    throw fault(field, 'is not a certificate in PEM form that can be read: it is damaged');
  }
  return blocks.join('\n');
}

function privateKeyIn(text: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    if (!/^-----BEGIN .*PRIVATE KEY-----$/m.test(text)) throw notPem('key', text, 'private key');
    const why = /ENCRYPTED/.test(text) ? 'it is encrypted' : 'it is damaged, or of an unknown kind';
    throw fault('key', `is not a private key in PEM form without a passphrase: ${why}`);
  }
}

function textOf(field: string, pem: unknown): string {
  if (typeof pem === 'string') return pem;
  if (Buffer.isBuffer(pem)) return pem.toString('latin1');
  if (pem === undefined)
    throw fault(field, 'is missing: mtls needs cert, a certificate, and key, its key, in PEM form');
  throw fault(field, `is ${kindOf(pem)}, and must be PEM in a string or a Buffer`);
}

function notPem(field: string, text: string, wanted: string): TypeError {
  const remedy = PATH_LIKE.test(text.trim()) ? ': give the content of the file, not its path' : '';
  return fault(field, `is not a ${wanted} in PEM form (-----BEGIN …-----)${remedy}`);
}

/** A key may be well-formed and not be accepted, for example because it is too short. */
function secureContext(options: SecureContextOptions): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext(options);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error:.*:/, '');
    throw new TypeError(`connect: the certificate or key in credentials is refused: ${reason}.`);
  }
}

function fault(field: string, what: string): TypeError {
  return new TypeError(`connect: credentials.${field} ${what}.`);
}

/** What it is, without what it holds: it may be a key. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return 'a string';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
