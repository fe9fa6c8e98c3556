import { runJob } from '../jobs/run.ts';
import { populate } from './population.ts';
import type { Stand } from './stand.ts';

/** An access token, and what it says; its own session's. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** Refreshes in flight: with many more, the last would wait longer than the service gives a store. */
const AT_ONCE = 256;

/** Access tokens of as many new sessions. Nobody signs in: bcrypt would need minutes for hundreds. */
export async function tokensOfNewSessions(stand: Stand, count: number): Promise<readonly IssuedToken[]> {
  const { refreshTokens } = await populate(stand, count, count);
  const issued: IssuedToken[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = refreshTokens.slice(from, from + AT_ONCE);
    const { accessTokens } = await runJob<'refresh'>({
      kind: 'refresh',
      port: stand.latchkey.port,
      refreshTokens: some,
      until: { refreshes: some.length },
      serverPid: stand.latchkey.pid,
    });
    for (const accessToken of accessTokens) {
      const { sub, sid } = claimsOf(accessToken);
      issued.push({ accessToken, userId: sub, sessionId: sid });
    }
  }
  return issued;
}

/** Not verified. Throws where it is no JWT. */
export function claimsOf(accessToken: string): { readonly sub: string; readonly sid: string } {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(payload) as { sub: string; sid: string };
}
