const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same 64 characters in the order of their codes, so that packed ids sort as the ids they stand for. */
export const PACKED_ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

const toPacked = new Map([...BASE64URL].map((letter, index) => [letter, PACKED_ALPHABET.charAt(index)]));
const fromPacked = new Map([...PACKED_ALPHABET].map((letter, index) => [letter, BASE64URL.charAt(index)]));
/** By the code of the character. */
const values = new Uint8Array(128);
for (const [value, letter] of [...PACKED_ALPHABET].entries()) values[letter.charCodeAt(0)] = value;

/** How many characters a packed number has: 48 bits, as the time in an id. */
export const NUMBER_LENGTH = 8;

/**
 * A UUID in 22 characters instead of 36: with a million sessions the difference is 28 MB in keys and fields.
 * The first 8 characters are its time, which the scripts read (`ending.lua`).
 */
export function packId(uuid: string): string {
  const text = uuidBytes(uuid).toString('base64url');
  return translate(text, toPacked);
}

/** The UUID that was packed. */
export function unpackId(packed: string): string {
  return uuidText(Buffer.from(translate(packed, fromPacked), 'base64url'));
}

/** A whole number from 0 to 2^48 - 1, such as milliseconds since 1970, in 8 characters that sort as the numbers do. */
export function packNumber(value: number): string {
  let rest = value;
  let packed = '';
  for (let length = 0; length < NUMBER_LENGTH; length += 1) {
    packed = PACKED_ALPHABET.charAt(rest % 64) + packed;
    rest = Math.floor(rest / 64);
  }
  return packed;
}

/** The number that was packed, in however many characters. */
export function unpackNumber(packed: string): number {
  let value = 0;
  for (let at = 0; at < packed.length; at += 1) value = value * 64 + (values[packed.charCodeAt(at)] ?? 0);
  return value;
}

export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** In small letters. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function translate(text: string, letters: ReadonlyMap<string, string>): string {
  let result = '';
  for (const letter of text) result += letters.get(letter) ?? '';
  return result;
}
