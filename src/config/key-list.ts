import { MASTER_KEY_MIN_BYTES } from '../core/keys/master-key.ts';
import type { Parsed } from './parsed.ts';

/** How many characters so many bytes are, without padding. */
const MIN_CHARACTERS = Math.ceil((MASTER_KEY_MIN_BYTES * 8) / 6);

/** One for all faults: whoever mends one of them sees what else there is to get right. */
const PROBLEM =
  `must be base64url of ${MASTER_KEY_MIN_BYTES} bytes or more (${MIN_CHARACTERS} characters or more: letters, digits, - and _, no =); ` +
  'of several, each once, with commas and no spaces between';

/** Master keys, newest first, as base64url without padding, between commas. */
export function parseMasterKeys(text: string): Parsed<readonly Buffer[]> {
  const parts = text.split(',');
  const keys = parts.map((part) => Buffer.from(part, 'base64url'));
  const isGood =
    keys.every((key, index) => key.toString('base64url') === parts[index]) &&
    keys.every((key) => key.length >= MASTER_KEY_MIN_BYTES) &&
    new Set(parts).size === parts.length;
  return isGood ? { value: keys } : { problem: PROBLEM };
}
