import { invalidField } from '../failure.ts';

/** Maximum length of a username in bytes of UTF-8. */
export const MAX_USERNAME_BYTES = 128;

/** Control, format, private-use, unassigned and separator characters, and default-ignorable ones. */
const FORBIDDEN_CHARACTERS = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
/**
 * Characters that render as blank, although no Unicode property says so: Braille, hieroglyphs, Khitan, music,
 * SignWriting.
 */
const BLANK = /[\u{2800}\u{fffc}\u{13441}\u{13442}\u{16fe4}\u{1d159}\u{1da7f}\u{1da80}]/u;
const LIKE_USER_ID = /^[0-9a-f]{8}\p{Dash}?(?:[0-9a-f]{4}\p{Dash}?){3}[0-9a-f]{12}$/u;

/**
 * Returns the form in which usernames are compared. It ignores compatibility forms (NFKC) and letter case.
 *
 * Case is folded per character, through lower and upper case. So all Greek sigmas are equal in any position, and so are
 * both cases of sharp s. The function is idempotent.
 */
export function canonicalUsername(username: string): string {
  let key = '';
  for (const character of username.normalize('NFKC')) key += fold(character);
  return key.normalize('NFKC');
}

function fold(character: string): string {
  return character.toLowerCase().toUpperCase().toLowerCase();
}

/**
 * Throws INVALID_FIELD unless the username is possible: 1 to 128 bytes of UTF-8, without spaces, control and invisible
 * characters. The canonical form must not contain them either.
 */
export function checkUsername(username: string, field: string): void {
  const bytes = Buffer.byteLength(username);
  if (bytes < 1 || bytes > MAX_USERNAME_BYTES) {
    throw invalidField(field, `must be 1 to ${MAX_USERNAME_BYTES} bytes of UTF-8, is ${bytes}`);
  }
  checkNoneOf(FORBIDDEN_CHARACTERS, username, field);
}

/**
 * Throws INVALID_FIELD unless the username can be assigned. It must pass `checkUsername`, contain no blank characters,
 * and not look like a user id. Existing users keep such names.
 */
export function checkNewUsername(username: string, field: string): void {
  checkUsername(username, field);
  checkNoneOf(BLANK, username, field);
  const canonical = canonicalUsername(username);
  if (/^\p{M}/u.test(canonical)) throw invalidField(field, 'must not begin with a combining mark');
  if (LIKE_USER_ID.test(canonical)) {
    throw invalidField(field, 'must not have the form of a user id (32 hexadecimal digits, a UUID)');
  }
}

function checkNoneOf(forbidden: RegExp, username: string, field: string): void {
  const [found] = forbidden.exec(username) ?? forbidden.exec(canonicalUsername(username)) ?? [];
  if (found === undefined) return;
  const code = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  throw invalidField(
    field,
    `must not contain spaces, control, blank or invisible characters, as U+${code} is`,
  );
}
