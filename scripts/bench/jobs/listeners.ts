import { setTimeout as delay } from 'node:timers/promises';
import { connect, type LatchkeyClient } from '../../../src/client/index.ts';
import type { FeltEnding, ListenJob, ListenResult } from './job.ts';
import { steadyMs } from './steady-clock.ts';

/** How long the last endings may take to be heard, once nothing more is asked. */
const PATIENCE_MS = 5_000;

/**
 * Local validators, each a client of its own. They have seen every token; what is noted is the instant at which a
 * token was rejected that had just been heard to have ended.
 */
export async function listen(
  job: ListenJob,
  started: () => void,
  finish: AbortSignal,
): Promise<ListenResult> {
  const tokens = new Map(job.tokens.map(({ sessionId, accessToken }) => [sessionId, accessToken]));
  const felt: FeltEnding[] = [];
  let problem: unknown;
  const reject = async (client: LatchkeyClient, sessionId: string, token: string): Promise<void> => {
    const { kind } = await client.validate(token);
    if (kind !== 'rejected') throw new Error('a token was accepted whose ending had been told');
    felt.push({ sessionId, atMs: steadyMs() });
  };
  const clients = job.ports.map((port) => {
    const client = connect(`127.0.0.1:${port}`, { credentials: { kind: 'plaintext' } });
    client.onEnding((revocation) => {
      if (revocation.kind !== 'session') return;
      const token = tokens.get(revocation.sessionId);
      if (token === undefined) return;
      reject(client, revocation.sessionId, token).catch((error: unknown) => {
        problem ??= error;
      });
    });
    return client;
  });
  try {
    await Promise.all(clients.map((client) => client.ready()));
    for (const client of clients) await see(client, [...tokens.values()]);
    started();
    while (!finish.aborted) await delay(5);
    const expected = clients.length * tokens.size;
    const givenUpAt = steadyMs() + PATIENCE_MS;
    while (felt.length < expected && problem === undefined && steadyMs() < givenUpAt) await delay(5);
    if (problem !== undefined) throw problem;
    if (felt.length !== expected) throw new Error(`of ${expected} endings ${felt.length} were felt`);
    return { felt };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function see(client: LatchkeyClient, tokens: readonly string[]): Promise<void> {
  const validations = await Promise.all(tokens.map((token) => client.validate(token)));
  if (validations.some(({ kind }) => kind !== 'accepted')) throw new Error('a good token was rejected');
}
