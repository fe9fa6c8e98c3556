import { createHmac } from 'node:crypto';

/**
 * A stored password, parsed.
 *
 * `peppered` is `$lk1$<master key id>$` followed by bcrypt of base64(HMAC-SHA-384(pepper, NFC(password))). The HMAC
 * makes every password 64 characters long, so bcrypt's limit of 72 bytes cuts nothing. A stolen table is useless
 * without the pepper.
 * `plain` is an imported bcrypt hash of the password itself.
 */
export interface StoredPassword {
  readonly scheme: 'peppered' | 'plain';
  /** The master key of the pepper; undefined for `plain`. */
  readonly masterKeyId: string | undefined;
  /** In the `$2b$` or `$2a$` form. */
  readonly bcryptHash: string;
  readonly cost: number;
}

/**
 * Longer passwords (UTF-8, after NFC) are rejected without a hash. The longest password that the policy allows fits.
 */
export const MAX_PASSWORD_BYTES = 1024;

/** What is stored for a user without a password. No password matches it. */
export const NO_PASSWORD = '';

const TAG = '$lk1$';
const PEPPERED = /^\$lk1\$([0-9a-f]{8})(\$2b\$.*)$/;
/**
 * Cost 4 to 31, 16 bytes of salt, 23 bytes of digest. The spare bits of each last character are zero.
 * Trailing characters, especially NUL, are rejected here, because the library accepts them.
 */
const BCRYPT =
  /^\$2([aby])\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;
/** bcrypt reads at most this many bytes, and stops at a NUL. */
const MAX_PLAIN_BYTES = 72;
/**
 * Maximum UTF-16 units before NFC per byte of UTF-8 after it. Worst case: `u` with diaeresis and macron, three units
 * that become one character of two bytes.
 * Longer strings are not normalized, because sorting combining marks takes quadratic time. At the limit it takes 1 ms.
 */
const MAX_GROWTH = 1.5;

/** Parses a stored password; undefined: unknown format. */
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
 * The stored form of a bcrypt hash from another system; undefined: not a plain bcrypt hash. `$2y$` is an alias of
 * `$2b$`.
 * A peppered hash is not accepted: without the pepper of its master key, no password matches it.
 */
export function adoptPlainBcrypt(hash: string): StoredPassword | undefined {
  const parsed = parseStoredPassword(hash.startsWith('$2y$') ? `$2b$${hash.slice(4)}` : hash);
  return parsed?.scheme === 'plain' ? parsed : undefined;
}

/**
 * The form in which a password is hashed and compared (NFC; NIST SP 800-63B-4, section 3.1.1.2).
 * Undefined if no user can have this password: empty, too long, or malformed Unicode. UTF-8 maps all lone surrogates to
 * the same bytes.
 */
export function normalizedPassword(password: string): string | undefined {
  const mayFit = password.length <= MAX_PASSWORD_BYTES * MAX_GROWTH;
  if (password === '' || !mayFit || !password.isWellFormed()) return undefined;
  const normalized = password.normalize('NFC');
  return Buffer.byteLength(normalized) > MAX_PASSWORD_BYTES ? undefined : normalized;
}

/** The bcrypt input of the peppered scheme: 64 characters of base64. */
export function pepperedInput(pepper: Buffer, normalized: string): string {
  return createHmac('sha384', pepper).update(normalized, 'utf8').digest('base64');
}

/**
 * The bcrypt input of the plain scheme. Undefined if bcrypt would not read all of it: two passwords that share only the
 * first 72 bytes are different, even if the source system accepted both.
 */
export function plainInput(normalized: string): string | undefined {
  return Buffer.byteLength(normalized) > MAX_PLAIN_BYTES || normalized.includes('\0')
    ? undefined
    : normalized;
}
