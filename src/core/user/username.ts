import { invalidField } from '../failure.ts';

/** No username is longer, in bytes of UTF-8. */
export const MAX_USERNAME_BYTES = 128;

/** Controls, formatting, private and unassigned characters, separators, and what is drawn as nothing. */
const UNFIT = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;

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
 * Throws INVALID_FIELD unless it is 1 to 128 bytes of UTF-8 without spaces, control and invisible characters,
 * neither as it was given nor in its canonical form.
 */
export function checkUsername(username: string, field: string): void {
  const bytes = Buffer.byteLength(username);
  if (bytes < 1 || bytes > MAX_USERNAME_BYTES) {
    throw invalidField(field, `must be 1 to ${MAX_USERNAME_BYTES} bytes of UTF-8, is ${bytes}`);
  }
  if (UNFIT.test(username) || UNFIT.test(canonicalUsername(username))) {
    throw invalidField(field, 'must not contain spaces, control or invisible characters');
  }
}
