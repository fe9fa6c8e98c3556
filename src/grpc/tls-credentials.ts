import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerLog } from './server-log.ts';

/** PEM files. */
export interface TlsFiles {
  /** The server's certificate, followed by the intermediate certificates. */
  readonly certificate: string;
  readonly privateKey: string;
  /** If set, every client must present a certificate issued by one of these authorities. */
  readonly clientCa?: string;
}

/** A file that cannot be used. The message begins with its path and states the reason. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly file: keyof TlsFiles;

  constructor(file: keyof TlsFiles, message: string, cause?: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

/**
 * TLS 1.3 credentials from files that are reloaded while the server runs. A reload affects only new connections.
 *
 * The library's own file watcher cannot require TLS 1.3. After a reload it silently allows 1.2, because Node takes
 * `minVersion` from the last context. It also refuses all connections while a file is missing or a certificate and
 * key do not match, as during a replacement. This class keeps the previous files in use and logs the problem.
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

  /** Reads the files. Throws TlsFileError if one cannot be used, or if certificate and key do not match. */
  static load(files: TlsFiles, log: ServerLog): TlsCredentials {
    return new TlsCredentials(files, read(files), log);
  }

  /** Reloads the files at this interval until `close`; milliseconds. */
  watch(intervalMs: number): void {
    this.close();
    this.#timer = setInterval(() => this.reload(), intervalMs);
    this.#timer.unref();
  }

  /** Reloads the files. Returns whether they changed and are in use for new connections. */
  reload(): boolean {
    try {
      const loaded = read(this.#files);
      if (same(loaded.options, this.#loaded.options)) return false;
      this.#loaded = loaded;
      this.updateSecureContextOptions(loaded.options);
      this.#log.info({ certificate: this.#files.certificate }, 'TLS files reloaded for new connections.');
      this.#warnOfOpenKey();
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'TLS files cannot be used; the previous ones stay in use.');
      return false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Only a warning, because containers often mount secrets with such a mode and have no other users. */
  #warnOfOpenKey(): void {
    const { keyMode } = this.#loaded;
    if ((keyMode & ALL_OTHERS) === 0 || process.platform === 'win32') return;
    const { privateKey: file } = this.#files;
    this.#log.warn(
      { file, mode: (keyMode & 0o7777).toString(8) },
      `Every user of this machine can read or change the TLS private key. Run: chmod o= ${file}`,
    );
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

interface Loaded {
  readonly options: SecureContextOptions;
  /** Mode of the private key file. */
  readonly keyMode: number;
}

const ALL_OTHERS = 0o007;

const KINDS = {
  certificate: 'a certificate in PEM form',
  privateKey: 'a private key in PEM form without a passphrase',
  clientCa: 'a certificate in PEM form',
} as const satisfies Record<keyof TlsFiles, string>;

/** Messages for read errors. Others are reported by their code. */
const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ENXIO: 'is not a file',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
};

function read(files: TlsFiles): Loaded {
  const { certificate, privateKey, clientCa } = files;
  const { content: cert } = readFile('certificate', certificate);
  const { content: key, mode: keyMode } = readFile('privateKey', privateKey);
  const first = ofKind(files, 'certificate', () => new X509Certificate(cert));
  if (!first.checkPrivateKey(ofKind(files, 'privateKey', () => createPrivateKey(key)))) {
    const which = `does not match the first certificate in ${certificate}`;
    throw new TlsFileError('privateKey', `${privateKey}: the private key ${which}.`);
  }
  const options = { cert, key, minVersion: 'TLSv1.3' as const };
  ofKind(files, 'certificate', () => createSecureContext(options));
  if (clientCa === undefined) return { options, keyMode };
  const { content: ca } = readFile('clientCa', clientCa);
  ofKind(files, 'clientCa', () => new X509Certificate(ca));
  ofKind(files, 'clientCa', () => createSecureContext({ ca }));
  return { options: { ...options, ca }, keyMode };
}

/** Never blocks: opening a pipe would block the thread that serves calls. Follows symbolic links. */
function readFile(file: keyof TlsFiles, path: string): { readonly content: Buffer; readonly mode: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (stats.isFile()) return { content: readFileSync(descriptor), mode: stats.mode };
    throw new TlsFileError(file, `${path} is ${stats.isDirectory() ? 'a folder' : 'not a file'}.`);
  } catch (cause) {
    if (cause instanceof TlsFileError) throw cause;
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new TlsFileError(file, `${path} ${READ_FAULTS[code] ?? `cannot be read (${code})`}.`, cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function ofKind<Result>(files: TlsFiles, file: keyof TlsFiles, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    throw new TlsFileError(file, `${files[file]} does not hold ${KINDS[file]}.`, cause);
  }
}

function same(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return (
    String(a.cert) === String(b.cert) && String(a.key) === String(b.key) && String(a.ca) === String(b.ca)
  );
}
