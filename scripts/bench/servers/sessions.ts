import path from 'node:path';
import type { RefreshJob, RefreshResult } from '../load/refresh.ts';
import { startModule } from '../processes.ts';
import { populate } from './population.ts';
import type { Stand } from './stand.ts';

/** An access token and its claims. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly userId: string;
  readonly sessionId: string;
}
export type RefreshFigures = Omit<RefreshResult, 'refreshTokens' | 'accessTokens'>;

/** Sessions of a stand, with their current tokens. */
export class Sessions {
  readonly #stand: Stand;
  #refreshTokens: readonly string[];
  #accessTokens: readonly string[] = [];

  /** Empty until the first refresh. */
  constructor(stand: Stand, refreshTokens: readonly string[]) {
    this.#stand = stand;
    this.#refreshTokens = refreshTokens;
  }

  /**
   * Opens new sessions, each with an access token. Writes them directly, because bcrypt would take minutes for
   * hundreds.
   */
  static async open(stand: Stand, count: number): Promise<Sessions> {
    const sessions = new Sessions(stand, (await populate(stand, count, count)).refreshTokens);
    await sessions.refresh('each once');
    return sessions;
  }

  get accessTokens(): readonly string[] {
    return this.#accessTokens.filter((token) => token !== '');
  }

  get issuedTokens(): readonly IssuedToken[] {
    return this.accessTokens.map((accessToken) => {
      const { sub, sid } = claimsOf(accessToken);
      return { accessToken, userId: sub, sessionId: sid };
    });
  }

  /** Refreshes the sessions in a separate process. */
  async refresh(until: RefreshJob['until'], tokenFile?: string): Promise<RefreshFigures> {
    await using load = startModule<typeof import('../load/refresh.ts')>('load/refresh.ts');
    const { refreshTokens, accessTokens, ...figures } = await load.call('refresh', {
      port: this.#stand.latchkey.port,
      refreshTokens: this.#refreshTokens,
      until,
      tokenFile,
    });
    this.#refreshTokens = refreshTokens;
    this.#accessTokens = accessTokens;
    return figures;
  }

  /** Gets access tokens by refreshing, like any client. Returns the file with the tokens, one per line. */
  async makeTokens(name: string, count: number): Promise<string> {
    const tokenFile = path.join(this.#stand.folder, `${name}.txt`);
    await this.refresh({ refreshes: count }, tokenFile);
    return tokenFile;
  }
}

/** The token is not verified. */
export function claimsOf(accessToken: string): { readonly sub: string; readonly sid: string } {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(payload) as { sub: string; sid: string };
}
