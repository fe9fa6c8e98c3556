import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const KEY_BYTES = 32;
/** HMAC-SHA-256, cut to 128 bits. */
const MAC_BYTES = 16;

/** Authenticates values that browsers keep. Each kind of value has its own label, so none can stand in for another. */
export class Macs {
  readonly #keys: readonly Buffer[];

  /** @param keys at least one. The first signs, all verify. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys;
  }

  /** The MAC of a value: 22 characters of base64url. */
  of(label: string, value: string): string {
    const [first] = this.#keys;
    if (first === undefined) throw new Error('There is no key.');
    return macOf(first, label, value).toString('base64url');
  }

  verifies(label: string, value: string, mac: string): boolean {
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== MAC_BYTES) return false;
    return this.#keys.some((key) => timingSafeEqual(macOf(key, label, value), given));
  }
}

function macOf(key: Buffer, label: string, value: string): Buffer {
  return createHmac('sha256', key).update(`${label}\0${value}`).digest().subarray(0, MAC_BYTES);
}

/** Reads keys: one in each line, 32 bytes in base64url. @throws Error whose message says which line to fix. */
export function keysOf(text: string): readonly Buffer[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new Error('the file of the cookie keys is empty');
  return lines.map((line, index) => {
    const key = Buffer.from(line.trim(), 'base64url');
    if (/^[\w-]+=*$/.test(line.trim()) && key.length === KEY_BYTES) return key;
    throw new Error(
      `line ${index + 1} of the file of the cookie keys is not ${KEY_BYTES} bytes in base64url`,
    );
  });
}

export function randomKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** 128 random bits, as 22 characters of base64url. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}
