import { writeFileSync } from 'node:fs';
import {
  IdentityServiceService,
  RefreshRequest,
  RefreshResponse,
  type Tokens,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { grpcFrame } from '../../http2/frames.ts';
import { LOAD } from './h2load.ts';

export interface RefreshJob {
  readonly port: number;
  /** The current refresh token of each session. One refresh per session runs at a time. */
  readonly refreshTokens: readonly string[];
  readonly until: { readonly seconds: number } | { readonly refreshes: number } | 'each once';
  /** The file for every new access token, one per line. Undefined: none. */
  readonly tokenFile?: string | undefined;
}
export interface RefreshResult {
  readonly refreshes: number;
  readonly seconds: number;
  /** The latest token of each session, in the given order. */
  readonly refreshTokens: readonly string[];
  /** In the same order; empty if a session was not refreshed. */
  readonly accessTokens: readonly string[];
}

/**
 * Refreshes each session repeatedly, with the refresh token of the last answer. Each lane has its own share of the
 * sessions.
 */
export async function refresh(job: RefreshJob): Promise<RefreshResult> {
  const connections = await GrpcConnection.openMany(
    LOAD.connections,
    job.port,
    IdentityServiceService.refresh.path,
  );
  const newTokens: string[] = [];
  const latest = job.refreshTokens.map((refreshToken) => ({ refreshToken, accessToken: '' }));
  const until = job.until === 'each once' ? { refreshes: latest.length } : job.until;
  const endsAt = 'seconds' in until ? performance.now() + until.seconds * 1000 : Infinity;
  const most = 'refreshes' in until ? until.refreshes : Infinity;
  const lanes = Math.min(LOAD.connections * LOAD.inFlight, latest.length);
  let asked = 0;
  let refreshes = 0;

  const lane = async (_: unknown, first: number): Promise<void> => {
    for (let at = first; asked < most && performance.now() < endsAt; at += lanes) {
      if (at >= latest.length && job.until === 'each once') return;
      if (at >= latest.length) at = first;
      const before = latest[at];
      const connection = connections[first % connections.length];
      if (before === undefined || connection === undefined) throw new RangeError('no session or connection');
      asked += 1;
      const request = { ...before, clientId: '', origin: undefined };
      const answer = await connection.ask(grpcFrame(RefreshRequest.encode(request).finish()));
      const after = rotatedTokens(before, answer);
      latest[at] = after;
      refreshes += 1;
      if (job.tokenFile !== undefined) newTokens.push(after.accessToken);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  const elapsedMs = performance.now() - startedAt;

  for (const connection of connections) connection.close();
  if (job.tokenFile !== undefined) writeFileSync(job.tokenFile, `${newTokens.join('\n')}\n`);
  return {
    refreshes,
    seconds: elapsedMs / 1000,
    refreshTokens: latest.map((tokens) => tokens.refreshToken),
    accessTokens: latest.map((tokens) => tokens.accessToken),
  };
}

type LatestTokens = Pick<Tokens, 'refreshToken' | 'accessToken'>;

/** Throws unless both tokens are new: a repeated answer is not a rotation. */
function rotatedTokens(before: LatestTokens, answer: Buffer): LatestTokens {
  const { refreshToken = '', accessToken = '' } = RefreshResponse.decode(answer).tokens ?? {};
  const isNew = refreshToken !== before.refreshToken && accessToken !== before.accessToken;
  if (refreshToken === '' || !isNew) throw new Error('Refresh answered with the tokens it was given');
  return { refreshToken, accessToken };
}
