import { writeFileSync } from 'node:fs';
import {
  IdentityServiceService,
  RefreshRequest,
  RefreshResponse,
  type Tokens,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { LOAD } from '../h2load.ts';
import { GrpcConnection } from '../wire/connection.ts';
import { grpcFrame } from '../wire/frames.ts';
import type { RefreshJob, RefreshResult } from './job.ts';
import { startStretch } from './stopwatch.ts';

/** A lane has sessions of its own: a session's next refresh waits for the last one's answer. */
export async function refresh(job: RefreshJob): Promise<RefreshResult> {
  const connections = await Promise.all(
    Array.from({ length: LOAD.connections }, () =>
      GrpcConnection.open(job.port, IdentityServiceService.refresh.path),
    ),
  );
  const minted: string[] = [];
  const endsAt = 'seconds' in job.until ? performance.now() + job.until.seconds * 1000 : Infinity;
  const most = 'refreshes' in job.until ? job.until.refreshes : Infinity;
  let asked = 0;
  let answered = 0;

  const latest: LatestTokens[] = job.refreshTokens.map((refreshToken) => ({ refreshToken, accessToken: '' }));
  const lanes = Math.min(job.lanes ?? latest.length, latest.length);
  const lane = async (first: number, connection: GrpcConnection): Promise<void> => {
    for (let at = first; asked < most && performance.now() < endsAt; at += lanes) {
      if (at >= latest.length) at = first;
      const before = latest[at];
      if (before === undefined) throw new RangeError('no session');
      asked += 1;
      const next = rotated(
        before,
        await connection.ask(
          grpcFrame(RefreshRequest.encode({ ...before, clientId: '', origin: undefined }).finish()),
        ),
      );
      latest[at] = next;
      answered += 1;
      if (job.tokenFile !== undefined) minted.push(next.accessToken);
    }
  };

  const finish = startStretch(job.serverPid);
  await Promise.all(
    Array.from({ length: lanes }, (_, index) => {
      const connection = connections[index % connections.length];
      if (connection === undefined) throw new RangeError('no connection');
      return lane(index, connection);
    }),
  );
  const stretch = finish();

  await Promise.all(connections.map((connection) => connection.close()));
  if (job.tokenFile !== undefined) writeFileSync(job.tokenFile, `${minted.join('\n')}\n`);
  return {
    refreshes: answered,
    ...stretch,
    refreshTokens: latest.map((tokens) => tokens.refreshToken),
    accessTokens: latest.map((tokens) => tokens.accessToken),
  };
}

type LatestTokens = Pick<Tokens, 'refreshToken' | 'accessToken'>;

/** Throws unless both tokens are new ones: a repeated answer is not a rotation. */
function rotated(before: LatestTokens, answer: Buffer): LatestTokens {
  const { tokens } = RefreshResponse.decode(answer);
  if (
    tokens === undefined ||
    tokens.refreshToken === before.refreshToken ||
    tokens.accessToken === before.accessToken
  ) {
    throw new Error('Refresh answered with the tokens it was given');
  }
  return { refreshToken: tokens.refreshToken, accessToken: tokens.accessToken };
}
