import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Failure } from '../failure.ts';
import type { MasterKeys } from './master-key.ts';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;

/**
 * Encrypts a private key with the newest master key and binds it to its key id.
 * Format: `v1.<master key id>.<base64url of iv, ciphertext and tag>`. AES-256-GCM with a random 96-bit iv (NIST SP
 * 800-38D, section 8.2.2) is safe for 2^32 keys per master key.
 */
export function sealPrivateKey(privateJwk: string, keyId: string, masterKeys: MasterKeys): string {
  const { id, sealing } = masterKeys.newest;
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, sealing, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(keyId));
  const sealed = Buffer.concat([iv, cipher.update(privateJwk, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${id}.${sealed.toString('base64url')}`;
}

/** The id of the master key that sealed it; undefined: unknown format. */
export function masterKeyIdOf(sealed: string): string | undefined {
  return SEALED.exec(sealed)?.[1];
}

/** Decrypts the result of `sealPrivateKey`. Throws INTERNAL with the cause and the fix if it cannot. */
export function openPrivateKey(sealed: string, keyId: string, masterKeys: MasterKeys): string {
  const [, masterKeyId = '', payload = ''] = SEALED.exec(sealed) ?? [];
  const bytes = Buffer.from(payload, 'base64url');
  if (bytes.length <= IV_BYTES + TAG_BYTES) throw cannotOpen(keyId, 'its record has an unknown format');
  const masterKey = masterKeys.byId(masterKeyId);
  if (masterKey === undefined) {
    throw cannotOpen(
      keyId,
      `it is sealed under the master key ${masterKeyId}, which is not in LATCHKEY_MASTER_KEY: add it to the list`,
    );
  }
  const decipher = createDecipheriv(CIPHER, masterKey.sealing, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(keyId))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = bytes.subarray(IV_BYTES, -TAG_BYTES);
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw cannotOpen(keyId, `its record was changed after it was sealed`, cause);
  }
}

function cannotOpen(keyId: string, why: string, cause?: unknown): Failure {
  return new Failure('INTERNAL', `The signing key ${keyId} cannot be opened: ${why}.`, { cause });
}
