import { createHmac, timingSafeEqual } from 'node:crypto';
import { uuidOf } from '../ids.ts';

/** The content of a refresh token with a verified MAC. */
export interface RefreshGrant {
  readonly userId: string;
  readonly sessionId: string;
  /** Counts the refresh tokens of the session; the first is 1. */
  readonly generation: number;
}

const PREFIX = 'lkr_';
const VERSION = 1;
const ID_BYTES = 16;
const GENERATION_AT = 1 + ID_BYTES + ID_BYTES;
const MAC_AT = GENERATION_AT + 4;
const MAC_BYTES = 32;
const TOKEN_LENGTH = PREFIX.length + ((MAC_AT + MAC_BYTES) / 3) * 4;

/** The largest generation that fits. With one refresh per second it is reached after 136 years. */
export const MAX_GENERATION = 0xffff_ffff;

/**
 * Refresh tokens: `lkr_` + base64url(version | user id | session id | generation | HMAC-SHA-256).
 *
 * Tokens are not stored. The session record holds the current generation, and the same grant always gives the same
 * token. So a repeated refresh can return the same successor. A forged token is rejected without a store call.
 */
export class RefreshTokens {
  readonly #macKeys: readonly Buffer[];
  readonly #newestKey: Buffer;

  /** @param macKeys keys of 32 bytes, newest first. The first one signs; all of them verify. */
  constructor(macKeys: readonly Buffer[]) {
    const [newest] = macKeys;
    if (newest === undefined) throw new RangeError('refresh tokens need at least one MAC key');
    this.#macKeys = macKeys;
    this.#newestKey = newest;
  }

  mint(grant: RefreshGrant): string {
    const bytes = Buffer.alloc(MAC_AT + MAC_BYTES);
    bytes.writeUInt8(VERSION, 0);
    bytes.write(grant.userId.replaceAll('-', ''), 1, ID_BYTES, 'hex');
    bytes.write(grant.sessionId.replaceAll('-', ''), 1 + ID_BYTES, ID_BYTES, 'hex');
    bytes.writeUInt32BE(grant.generation, GENERATION_AT);
    mac(this.#newestKey, bytes.subarray(0, MAC_AT)).copy(bytes, MAC_AT);
    return PREFIX + bytes.toString('base64url');
  }

  /** Undefined: the token was not issued by this service. */
  verify(token: string): RefreshGrant | undefined {
    if (token.length !== TOKEN_LENGTH || !token.startsWith(PREFIX)) return undefined;
    const text = token.slice(PREFIX.length);
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== MAC_AT + MAC_BYTES || bytes.toString('base64url') !== text) return undefined;
    const body = bytes.subarray(0, MAC_AT);
    const given = bytes.subarray(MAC_AT);
    if (!this.#macKeys.some((key) => timingSafeEqual(mac(key, body), given))) return undefined;
    if (bytes.readUInt8(0) !== VERSION) return undefined;
    return {
      userId: uuidOf(bytes.toString('hex', 1, 1 + ID_BYTES)),
      sessionId: uuidOf(bytes.toString('hex', 1 + ID_BYTES, GENERATION_AT)),
      generation: bytes.readUInt32BE(GENERATION_AT),
    };
  }
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest();
}
