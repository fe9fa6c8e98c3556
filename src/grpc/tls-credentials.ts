import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
  #loaded: SecureContextOptions;
  #timer: NodeJS.Timeout | undefined;

  private constructor(files: TlsFiles, loaded: SecureContextOptions, log: ServerLog) {
    const mutual = files.clientCa !== undefined;
    super({ requestCert: mutual, rejectUnauthorized: mutual }, loaded);
    this.#files = files;
    this.#loaded = loaded;
    this.#log = log;
  }

  /** Reads the files. Throws, naming the file, if one cannot be read or they do not belong together. */
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
      if (same(loaded, this.#loaded)) return false;
      this.#loaded = loaded;
      this.updateSecureContextOptions(loaded);
      this.#log.info({ certificate: this.#files.certificate }, 'TLS files have changed and are in use.');
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'TLS files cannot be used; those read before stay in use.');
      return false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function read({ certificate, privateKey, clientCa }: TlsFiles): SecureContextOptions {
  const cert = readFile(certificate);
  const key = readFile(privateKey);
  if (!explained(certificate, () => new X509Certificate(cert)).checkPrivateKey(keyOf(privateKey, key))) {
    throw new Error(`The private key in ${privateKey} does not belong to the certificate in ${certificate}.`);
  }
  const ca = clientCa === undefined ? undefined : readFile(clientCa);
  if (clientCa !== undefined && ca !== undefined) explained(clientCa, () => new X509Certificate(ca));
  const options = { cert, key, minVersion: 'TLSv1.3' as const, ...(ca !== undefined && { ca }) };
  createSecureContext(options);
  return options;
}

function keyOf(path: string, pem: Buffer) {
  return explained(path, () => createPrivateKey(pem));
}

function readFile(path: string): Buffer {
  return explained(path, () => readFileSync(path));
}

function explained<Result>(path: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`${path} is not a readable PEM file of its kind.`, { cause });
  }
}

function same(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return (
    String(a.cert) === String(b.cert) && String(a.key) === String(b.key) && String(a.ca) === String(b.ca)
  );
}
