import { runJob } from '../jobs/run.ts';
import { populate } from './population.ts';
import type { Stand } from './stand.ts';

/** An access token, and what it says; its own session's. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** Access tokens of as many new sessions. Nobody signs in: bcrypt would need minutes for hundreds. */
export async function tokensOfNewSessions(stand: Stand, count: number): Promise<readonly IssuedToken[]> {
  const { refreshTokens } = await populate(stand, count, count);
  const { accessTokens } = await runJob<'refresh'>({
    kind: 'refresh',
    port: stand.latchkey.port,
    refreshTokens,
    until: { refreshes: count },
    serverPid: stand.latchkey.pid,
  });
  return accessTokens.map((accessToken) => {
    const { sub, sid } = claimsOf(accessToken);
    return { accessToken, userId: sub, sessionId: sid };
  });
}

/** Not verified. Throws where it is no JWT. */
export function claimsOf(accessToken: string): { readonly sub: string; readonly sid: string } {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(payload) as { sub: string; sid: string };
}
