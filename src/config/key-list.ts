import { MASTER_KEY_MIN_BYTES } from '../core/keys/master-key.ts';
import type { Parsed } from './parsed.ts';

/** Master keys, newest first, as base64url without padding, between commas. */
export function parseMasterKeys(text: string): Parsed<readonly Buffer[]> {
  const parts = text.split(',');
  const keys = parts.map((part) => Buffer.from(part, 'base64url'));
  if (!keys.every((key, index) => key.toString('base64url') === parts[index])) {
    return {
      problem: 'must be base64url (letters, digits, - and _, no =), several with commas between, no spaces',
    };
  }
  if (keys.some((key) => key.length < MASTER_KEY_MIN_BYTES)) {
    return { problem: `must be keys of at least ${MASTER_KEY_MIN_BYTES} bytes each before base64url` };
  }
  if (new Set(parts).size < parts.length) return { problem: 'must not have a key twice' };
  return { value: keys };
}
