import { invalidField } from '../failure.ts';

/** No username is longer, in bytes of UTF-8. */
export const MAX_USERNAME_BYTES = 128;

/** Controls, formatting, private and unassigned characters, separators, and what is not drawn. */
const UNFIT = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
/** Drawn as a gap or not at all, though no property of Unicode says so: Braille, hieroglyphs, Khitan, music, SignWriting. */
const BLANK = /[\u{2800}\u{fffc}\u{13441}\u{13442}\u{16fe4}\u{1d159}\u{1da7f}\u{1da80}]/u;
const LIKE_USER_ID = /^[0-9a-f]{8}\p{Dash}?(?:[0-9a-f]{4}\p{Dash}?){3}[0-9a-f]{12}$/u;

/**
 * The form in which usernames are compared: compatibility forms (NFKC) and letter case do not matter. Case is
 * folded character by character, through lower and upper case, so that the Greek sigmas and sharp s, small and
 * capital, meet wherever they stand. Applying it twice is applying it once.
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
 * Throws INVALID_FIELD unless somebody can have this username: 1 to 128 bytes of UTF-8 without spaces, control and
 * invisible characters, neither as it was given nor in its canonical form.
 */
export function checkUsername(username: string, field: string): void {
  const bytes = Buffer.byteLength(username);
  if (bytes < 1 || bytes > MAX_USERNAME_BYTES) {
    throw invalidField(field, `must be 1 to ${MAX_USERNAME_BYTES} bytes of UTF-8, is ${bytes}`);
  }
  checkNoneOf(UNFIT, username, field);
}

/**
 * Throws INVALID_FIELD unless the username can be given to somebody: it is as above, all of it can be seen, and it is
 * not taken for a user id. Whoever has another one already keeps it.
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

function checkNoneOf(unfit: RegExp, username: string, field: string): void {
  const [found] = unfit.exec(username) ?? unfit.exec(canonicalUsername(username)) ?? [];
  if (found === undefined) return;
  const code = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  throw invalidField(
    field,
    `must not contain spaces, control, blank or invisible characters, as U+${code} is`,
  );
}
