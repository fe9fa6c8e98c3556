import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerLog } from './server-log.ts';

/** PEM files. */
export interface TlsFiles {
  /** The server's certificate, followed by those between it and the root. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Set: every client must present a certificate that one of these issued. */
  readonly clientCa?: string;
}

/** A file that cannot be used; the message begins with its path and says why. */
export class TlsFileFault extends Error {
  override readonly name = 'TlsFileFault';
  readonly file: keyof TlsFiles;

  constructor(file: keyof TlsFiles, message: string, cause?: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

/**
 * TLS 1.3 from files that are read again while the server runs. New connections use what the files hold;
 * those open stay as they are.
 *
 * The library's own file watcher cannot demand TLS 1.3 (a reload would silently go back to 1.2, because Node
 * takes `minVersion` from the context it is handed last), and it refuses every connection while a file is
 * missing or a certificate and its key do not belong together, as in the middle of being replaced. This one
 * keeps serving with what it had and says so.
 */
export class TlsCredentials extends ServerCredentials {
  readonly #files: TlsFiles;
  readonly #log: ServerLog;
  #loaded: Loaded;
  #timer: NodeJS.Timeout | undefined;

  private constructor(files: TlsFiles, loaded: Loaded, log: ServerLog) {
    const mutual = files.clientCa !== undefined;
    super({ requestCert: mutual, rejectUnauthorized: mutual }, loaded.options);
    this.#files = files;
    this.#loaded = loaded;
    this.#log = log;
    this.#warnOfOpenKey();
  }

  /** Reads the files. Throws TlsFileFault if one cannot be used or they do not belong together. */
  static load(files: TlsFiles, log: ServerLog): TlsCredentials {
    return new TlsCredentials(files, read(files), log);
  }

  /** Reads the files again every so many milliseconds, until `close`. */
  watch(intervalMs: number): void {
    this.close();
    this.#timer = setInterval(() => this.reload(), intervalMs);
    this.#timer.unref();
  }

  /** Reads the files again; answers whether new connections use something else from now on. */
  reload(): boolean {
    try {
      const loaded = read(this.#files);
      if (same(loaded.options, this.#loaded.options)) return false;
      this.#loaded = loaded;
      this.updateSecureContextOptions(loaded.options);
      this.#log.info({ certificate: this.#files.certificate }, 'TLS files have changed and are in use.');
      this.#warnOfOpenKey();
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'TLS files cannot be used; those read before stay in use.');
      return false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A warning only: secrets are mounted like that into containers in which nobody else is. */
  #warnOfOpenKey(): void {
    const { keyMode } = this.#loaded;
    if ((keyMode & EVERYBODY) === 0 || process.platform === 'win32') return;
    const { privateKey: file } = this.#files;
    this.#log.warn(
      { file, mode: (keyMode & 0o7777).toString(8) },
      `Every user of this machine can read or change the private key of TLS. Run: chmod o= ${file}`,
    );
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

interface Loaded {
  readonly options: SecureContextOptions;
  /** Of the file of the private key. */
  readonly keyMode: number;
}

const EVERYBODY = 0o007;

const KINDS = {
  certificate: 'a certificate in PEM form',
  privateKey: 'a private key in PEM form without a passphrase',
  clientCa: 'a certificate in PEM form',
} as const satisfies Record<keyof TlsFiles, string>;

/** What is told of the errors that reading meets; the others are named by their code. */
const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ENXIO: 'is not a file',
  EACCES: 'may not be read by this process',
  EPERM: 'may not be read by this process',
};

function read(files: TlsFiles): Loaded {
  const { certificate, privateKey, clientCa } = files;
  const { content: cert } = readFile('certificate', certificate);
  const { content: key, mode: keyMode } = readFile('privateKey', privateKey);
  const first = ofKind(files, 'certificate', () => new X509Certificate(cert));
  if (!first.checkPrivateKey(ofKind(files, 'privateKey', () => createPrivateKey(key)))) {
    const which = `does not belong to the first certificate in ${certificate}`;
    throw new TlsFileFault('privateKey', `${privateKey}: the private key ${which}.`);
  }
  const options = { cert, key, minVersion: 'TLSv1.3' as const };
  ofKind(files, 'certificate', () => createSecureContext(options));
  if (clientCa === undefined) return { options, keyMode };
  const { content: ca } = readFile('clientCa', clientCa);
  ofKind(files, 'clientCa', () => new X509Certificate(ca));
  ofKind(files, 'clientCa', () => createSecureContext({ ca }));
  return { options: { ...options, ca }, keyMode };
}

/** Waits for nothing: a pipe would be waited for in the thread that serves. Links are followed. */
function readFile(file: keyof TlsFiles, path: string): { readonly content: Buffer; readonly mode: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (stats.isFile()) return { content: readFileSync(descriptor), mode: stats.mode };
    throw new TlsFileFault(file, `${path} is ${stats.isDirectory() ? 'a folder' : 'not a file'}.`);
  } catch (cause) {
    if (cause instanceof TlsFileFault) throw cause;
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new TlsFileFault(file, `${path} ${READ_FAULTS[code] ?? `cannot be read (${code})`}.`, cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function ofKind<Result>(files: TlsFiles, file: keyof TlsFiles, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    throw new TlsFileFault(file, `${files[file]} does not hold ${KINDS[file]}.`, cause);
  }
}

function same(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return (
    String(a.cert) === String(b.cert) && String(a.key) === String(b.key) && String(a.ca) === String(b.ca)
  );
}
