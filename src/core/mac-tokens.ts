import { createHmac, timingSafeEqual } from 'node:crypto';
import { uuidOf } from './ids.ts';

/** The content of a token: two ids and a number up to 2^32 - 1. */
export interface MacTokenContent {
  readonly firstId: string;
  readonly secondId: string;
  readonly number: number;
}

const VERSION = 1;
const ID_BYTES = 16;
const NUMBER_AT = 1 + ID_BYTES + ID_BYTES;
const MAC_AT = NUMBER_AT + 4;
const MAC_BYTES = 32;
const TEXT_LENGTH = ((MAC_AT + MAC_BYTES) / 3) * 4;

/**
 * Opaque tokens: a prefix + base64url(version | id | id | number | HMAC-SHA-256).
 *
 * Tokens are not stored. The same content always gives the same token, in exactly one spelling.
 */
export class MacTokens {
  readonly #prefix: string;
  readonly #macKeys: readonly Buffer[];
  readonly #newestKey: Buffer;

  /** @param macKeys keys of 32 bytes, newest first. The first one signs; all of them verify. Each key has one purpose. */
  constructor(prefix: string, macKeys: readonly Buffer[]) {
    const [newest] = macKeys;
    if (newest === undefined) throw new RangeError(`${prefix} tokens need at least one MAC key`);
    this.#prefix = prefix;
    this.#macKeys = macKeys;
    this.#newestKey = newest;
  }

  mint({ firstId, secondId, number }: MacTokenContent): string {
    const bytes = Buffer.alloc(MAC_AT + MAC_BYTES);
    bytes.writeUInt8(VERSION, 0);
    bytes.write(firstId.replaceAll('-', ''), 1, ID_BYTES, 'hex');
    bytes.write(secondId.replaceAll('-', ''), 1 + ID_BYTES, ID_BYTES, 'hex');
    bytes.writeUInt32BE(number, NUMBER_AT);
    mac(this.#newestKey, bytes.subarray(0, MAC_AT)).copy(bytes, MAC_AT);
    return this.#prefix + bytes.toString('base64url');
  }

  /** Undefined: the token was not issued by this service. */
  verify(token: string): MacTokenContent | undefined {
    if (token.length !== this.#prefix.length + TEXT_LENGTH || !token.startsWith(this.#prefix))
      return undefined;
    const text = token.slice(this.#prefix.length);
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== MAC_AT + MAC_BYTES || bytes.toString('base64url') !== text) return undefined;
    const body = bytes.subarray(0, MAC_AT);
    const given = bytes.subarray(MAC_AT);
    if (!this.#macKeys.some((key) => timingSafeEqual(mac(key, body), given))) return undefined;
    if (bytes.readUInt8(0) !== VERSION) return undefined;
    return {
      firstId: uuidOf(bytes.toString('hex', 1, 1 + ID_BYTES)),
      secondId: uuidOf(bytes.toString('hex', 1 + ID_BYTES, NUMBER_AT)),
      number: bytes.readUInt32BE(NUMBER_AT),
    };
  }
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest();
}
