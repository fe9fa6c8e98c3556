import { randomBytes } from 'node:crypto';
import { invalidField } from '../failure.ts';
import { isCommonPassword } from './common-password.ts';

/** In code points, after NFC. */
const MIN_PASSWORD_LENGTH = 8;
/** In code points, after NFC. At most 1,024 bytes of UTF-8. */
const MAX_PASSWORD_LENGTH = 256;

/** Words that are easy to guess for this service. */
const SERVICE_WORDS = ['latchkey'];

/** Of generated passwords. Excludes letters that look like another letter or a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const GROUPS = 5;
const GROUP_LENGTH = 5;

/** Throws INVALID_FIELD if the password is too short or too long. The error never contains the password. */
export function checkPasswordLength(password: string, field: string): void {
  if (!password.isWellFormed()) throw invalidField(field, 'must be well-formed Unicode');
  // NFC shortens a string only by a small factor, so longer strings are not normalized.
  const length = password.length > 8 * MAX_PASSWORD_LENGTH ? Infinity : [...password.normalize('NFC')].length;
  if (length < MIN_PASSWORD_LENGTH) {
    throw invalidField(field, `must have at least ${MIN_PASSWORD_LENGTH} characters`);
  }
  if (length > MAX_PASSWORD_LENGTH) {
    throw invalidField(field, `must have at most ${MAX_PASSWORD_LENGTH} characters`);
  }
}

/**
 * Throws INVALID_FIELD if the password is too short, too long or easy to guess (NIST SP 800-63B-4, section 3.1.1.2).
 * There are no composition rules. The error never contains the password. Takes up to 35 ms, for a long password.
 *
 * @param contextWords words that are easy to guess for this user, such as the username.
 */
export function checkNewPassword(
  password: string,
  field: string,
  contextWords: readonly string[] = [],
): void {
  checkPasswordLength(password, field);
  if (isCommonPassword(password, [...SERVICE_WORDS, ...contextWords])) {
    throw invalidField(field, 'is too easy to guess; choose another password, for example a sentence');
  }
}

/** Generates a password of 125 random bits, in groups that can be read aloud. */
export function strongPassword(): string {
  const characters = Array.from(
    randomBytes(GROUPS * GROUP_LENGTH),
    (byte) => ALPHABET[byte % ALPHABET.length],
  );
  return Array.from({ length: GROUPS }, (_, group) =>
    characters.slice(group * GROUP_LENGTH, (group + 1) * GROUP_LENGTH).join(''),
  ).join('-');
}
