import { MacTokens } from '../mac-tokens.ts';

/** The content of a refresh token with a verified MAC. */
export interface RefreshGrant {
  readonly userId: string;
  readonly sessionId: string;
  /** Counts the refresh tokens of the session; the first is 1. */
  readonly generation: number;
}

const PREFIX = 'lkr_';

/** The largest generation that fits. With one refresh per second it is reached after 136 years. */
export const MAX_GENERATION = 0xffff_ffff;

/**
 * Refresh tokens: `MacTokens` of the user id, the session id and the generation.
 *
 * Tokens are not stored. The session record holds the current generation, and the same grant always gives the same
 * token. So a repeated refresh can return the same successor. A forged token is rejected without a store call.
 */
export class RefreshTokens {
  readonly #tokens: MacTokens;

  /** @param macKeys keys of 32 bytes, newest first. The first one signs; all of them verify. */
  constructor(macKeys: readonly Buffer[]) {
    this.#tokens = new MacTokens(PREFIX, macKeys);
  }

  mint({ userId, sessionId, generation }: RefreshGrant): string {
    return this.#tokens.mint({ firstId: userId, secondId: sessionId, number: generation });
  }

  /** Undefined: the token was not issued by this service. */
  verify(token: string): RefreshGrant | undefined {
    const content = this.#tokens.verify(token);
    if (content === undefined) return undefined;
    return { userId: content.firstId, sessionId: content.secondId, generation: content.number };
  }
}
