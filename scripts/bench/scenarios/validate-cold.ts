import path from 'node:path';
import type { FloodResult } from '../jobs/job.ts';
import { runJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { QUICK_COST, withStand } from '../servers/stand.ts';
import { alternate, type Scale } from './rounds.ts';

/** Roughly what a service validates anew in a second; a faster one has a shorter round. */
const TOKENS_PER_SECOND = 8_000;
const WARM_UP_TOKENS = 5_000;
const SESSIONS = 64;

/** Validate of tokens that the service has never seen: each is sent once, with the cache as it comes. */
export async function validateCold({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    const sessions = await stand.people.openSessions(SESSIONS);
    const echo = await stand.echoOf(sessions[0]?.accessToken ?? '');
    let refreshTokens = sessions.map((tokens) => tokens.refreshToken);

    /** Tokens are made by refreshing, as any client would get them. Not part of what is measured. */
    const mint = async (round: number): Promise<string> => {
      const tokenFile = path.join(stand.folder, `tokens-${round}.txt`);
      const minted = await runJob<'refresh'>({
        kind: 'refresh',
        port: stand.latchkey.port,
        refreshTokens,
        until: { refreshes: TOKENS_PER_SECOND * seconds + WARM_UP_TOKENS },
        tokenFile,
        serverPid: stand.latchkey.pid,
      });
      refreshTokens = [...minted.refreshTokens];
      return tokenFile;
    };
    const flood = async (server: { port: number; pid: number }, tokenFile: string): Promise<FloodResult> =>
      await runJob<'flood'>({
        kind: 'flood',
        port: server.port,
        tokenFile,
        warmUp: WARM_UP_TOKENS,
        serverPid: server.pid,
      });

    const tokenFiles: string[] = [];
    const results = await alternate(rounds, {
      latchkey: async (round) => {
        tokenFiles.push(await mint(round));
        return await flood(stand.latchkey, tokenFiles[round] ?? '');
      },
      echo: (round) => flood(echo, tokenFiles[round] ?? ''),
    });

    const rate = (run: FloodResult): number => run.answers / run.seconds;
    return {
      what: 'Validate, every token new',
      unit: 'per second',
      measured: results.latchkey.map(rate),
      reference: { name: 'echo', values: results.echo.map(rate) },
      bar: { kind: 'ratio at least', value: 0.4 },
      notes: [
        `${(TOKENS_PER_SECOND * seconds).toLocaleString('en-US')} different tokens a round, each sent once to the service and once to the echo; ` +
          'the cache of verified tokens is at its default. h2load has one body only: a bare HTTP/2 client sends them and looks at every verdict.',
      ],
      details: results,
    };
  });
}
