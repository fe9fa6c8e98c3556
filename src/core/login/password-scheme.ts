import { createHmac } from 'node:crypto';

/**
 * How a password is stored.
 *
 * `peppered` is ours: `$lk1$<master key id>$` and then bcrypt of base64(HMAC-SHA-384(pepper, NFC(password))).
 * The HMAC makes 64 characters of any password, so that nothing of a long one is cut at bcrypt's 72 bytes, and a
 * stolen table is of no use without the pepper. `plain` is bcrypt of the password itself, as imported.
 */
export interface StoredPassword {
  readonly scheme: 'peppered' | 'plain';
  /** Whose pepper; undefined with `plain`. */
  readonly masterKeyId: string | undefined;
  /** In the `$2b$` or `$2a$` form. */
  readonly bcryptHash: string;
  readonly cost: number;
}

/** Longer passwords (UTF-8, after NFC) are refused unread; the longest that the policy lets be set fits. */
export const MAX_PASSWORD_BYTES = 1024;

const TAG = '$lk1$';
const PEPPERED = /^\$lk1\$([0-9a-f]{8})(\$2b\$.*)$/;
/**
 * Cost 4 to 31, 16 bytes of salt, 23 bytes of digest: the spare bits of each last character are zero. Anything
 * after that, a NUL above all, is refused here, since the library would not mind it.
 */
const BCRYPT =
  /^\$2([aby])\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;
/** bcrypt reads no more bytes than this, and stops at a NUL. */
const MAX_PLAIN_BYTES = 72;
/**
 * The most UTF-16 units before NFC for one byte of UTF-8 after it. The worst case is `u` with a diaeresis and a macron:
 * three units become one character of two bytes. A longer string is not normalised at all, because sorting combining
 * marks takes quadratic time: 1 ms for as many as the limit allows.
 */
const MAX_GROWTH = 1.5;

/** Takes a stored password apart; undefined if it is in none of the forms. */
export function parseStoredPassword(stored: string): StoredPassword | undefined {
  const [, masterKeyId, peppered] = PEPPERED.exec(stored) ?? [];
  const bcryptHash = peppered ?? stored;
  const [, variant, cost] = BCRYPT.exec(bcryptHash) ?? [];
  if (variant === undefined || variant === 'y') return undefined;
  return {
    scheme: masterKeyId === undefined ? 'plain' : 'peppered',
    masterKeyId,
    bcryptHash,
    cost: Number(cost),
  };
}

/** The stored form of a bcrypt hash of `pepperedInput`. */
export function formatPeppered(masterKeyId: string, bcryptHash: string): string {
  return `${TAG}${masterKeyId}${bcryptHash}`;
}

/**
 * The stored form of a bcrypt hash of another system; undefined if it is none. `$2y$` is what others call `$2b$`.
 * A peppered one is none: without the pepper of its master key no password would ever match it.
 */
export function adoptPlainBcrypt(hash: string): StoredPassword | undefined {
  const parsed = parseStoredPassword(hash.startsWith('$2y$') ? `$2b$${hash.slice(4)}` : hash);
  return parsed?.scheme === 'plain' ? parsed : undefined;
}

/**
 * The one form in which a password is hashed and compared (NFC; NIST SP 800-63B-4, section 3.1.1.2). Undefined
 * for what can be nobody's: empty, over-long, or not well-formed Unicode (in UTF-8 all lone surrogates are one).
 */
export function normalizedPassword(password: string): string | undefined {
  const mayFit = password.length <= MAX_PASSWORD_BYTES * MAX_GROWTH;
  if (password === '' || !mayFit || !password.isWellFormed()) return undefined;
  const normalized = password.normalize('NFC');
  return Buffer.byteLength(normalized) > MAX_PASSWORD_BYTES ? undefined : normalized;
}

/** What bcrypt is given in the peppered scheme: 64 characters of base64. */
export function pepperedInput(pepper: Buffer, normalized: string): string {
  return createHmac('sha384', pepper).update(normalized, 'utf8').digest('base64');
}

/**
 * What bcrypt is given in the plain scheme. Undefined if it would not read all of it: a password that agrees in
 * the first 72 bytes only is another password, whatever the system it was imported from made of that.
 */
export function plainInput(normalized: string): string | undefined {
  return Buffer.byteLength(normalized) > MAX_PLAIN_BYTES || normalized.includes('\0')
    ? undefined
    : normalized;
}
