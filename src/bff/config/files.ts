import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The content of two PEM files that belong together. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads a file that a variable names. @throws Error whose message begins with the variable. */
export function readFileOf(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${variable}: cannot be read: ${(error as Error).message}.`);
  }
}

/**
 * Reads a certificate and its private key.
 *
 * @throws Error whose message begins with the variable, if a file cannot be read or the two do not belong together.
 */
export function readKeyPair(
  variables: { readonly certificate: string; readonly privateKey: string },
  paths: { readonly certificate: string; readonly privateKey: string },
): KeyPair {
  const cert = readFileOf(variables.certificate, paths.certificate);
  const key = readFileOf(variables.privateKey, paths.privateKey);
  const certificate = parsed(variables.certificate, paths.certificate, 'certificate', () => {
    return new X509Certificate(cert);
  });
  const privateKey = parsed<KeyObject>(variables.privateKey, paths.privateKey, 'private key', () => {
    return createPrivateKey(key);
  });
  if (!certificate.checkPrivateKey(privateKey)) {
    const { certificate: other } = variables;
    throw new Error(
      `${variables.privateKey}: ${paths.privateKey} is not the key of the certificate in ${other}.`,
    );
  }
  return { cert, key };
}

function parsed<T>(variable: string, path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(`${variable}: ${path} has no ${what} in PEM form.`);
  }
}
