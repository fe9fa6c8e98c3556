import { invalidField } from '../failure.ts';
import { isCommonPassword } from './common-password.ts';

/** In code points, after NFC. */
const MIN_PASSWORD_LENGTH = 8;
/** In code points, after NFC: at most 1,024 bytes of UTF-8. */
const MAX_PASSWORD_LENGTH = 256;

/** What every attacker who knows this service would try. */
const SERVICE_WORDS = ['latchkey'];

/**
 * Whether a password may be set (NIST SP 800-63B-4, section 3.1.1.2): long enough, not longer than is ever
 * compared, and not one that is tried first. There are no rules of composition. Throws INVALID_FIELD with
 * `field`, and never with the password in it.
 *
 * @param contextWords what else is easily guessed of this user, such as the username.
 */
export function checkNewPassword(
  password: string,
  field: string,
  contextWords: readonly string[] = [],
): void {
  if (!password.isWellFormed()) throw invalidField(field, 'must be well-formed Unicode');
  // NFC makes one code point of at most a few; anything this long need not be looked at.
  const length = password.length > 8 * MAX_PASSWORD_LENGTH ? Infinity : [...password.normalize('NFC')].length;
  if (length < MIN_PASSWORD_LENGTH) {
    throw invalidField(field, `must have at least ${MIN_PASSWORD_LENGTH} characters`);
  }
  if (length > MAX_PASSWORD_LENGTH) {
    throw invalidField(field, `must have at most ${MAX_PASSWORD_LENGTH} characters`);
  }
  if (isCommonPassword(password, [...SERVICE_WORDS, ...contextWords])) {
    throw invalidField(field, 'is one of those that are tried first; choose another, a sentence for example');
  }
}
