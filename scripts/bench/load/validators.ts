import { connect, type LatchkeyClient } from '../../../src/client/index.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { monotonicMs } from './logouts.ts';

/** How long the last revocations may take to arrive after the last logout; milliseconds. */
const LAST_ARRIVAL_MS = 5_000;

export interface ValidatorsJob {
  /** One client is connected to each. */
  readonly ports: readonly number[];
  /** Tokens of the sessions that will end. */
  readonly tokens: readonly { readonly sessionId: string; readonly accessToken: string }[];
}
export interface SeenEnd {
  readonly sessionId: string;
  /** By `monotonicMs`. */
  readonly atMs: number;
}

const seen: SeenEnd[] = [];
let problem: unknown;
let clients: readonly LatchkeyClient[] = [];
let expected = 0;

/**
 * Local validators, each with its own client, which first validate every token once. Then each records when it rejects
 * a token whose revocation it has just received.
 */
export async function start({ ports, tokens }: ValidatorsJob): Promise<void> {
  const tokenOf = new Map(tokens.map(({ sessionId, accessToken }) => [sessionId, accessToken]));
  const reject = async (client: LatchkeyClient, sessionId: string, token: string): Promise<void> => {
    const { kind } = await client.validate(token);
    if (kind !== 'rejected') throw new Error('a token was accepted after its revocation was received');
    seen.push({ sessionId, atMs: monotonicMs() });
  };
  clients = ports.map((port) => connect(`127.0.0.1:${port}`, { credentials: { kind: 'plaintext' } }));
  expected = clients.length * tokens.length;
  for (const client of clients) {
    client.onRevocation((revocation) => {
      const token = revocation.kind === 'session' ? tokenOf.get(revocation.sessionId) : undefined;
      if (revocation.kind !== 'session' || token === undefined) return;
      reject(client, revocation.sessionId, token).catch((error: unknown) => {
        problem ??= error;
      });
    });
    await client.ready();
  }
  for (const client of clients) {
    const verdicts = await Promise.all(tokens.map(({ accessToken }) => client.validate(accessToken)));
    if (verdicts.some(({ kind }) => kind !== 'accepted')) throw new Error('a good token was rejected');
  }
}

/** Waits until every validator has rejected every token. */
export async function finish(): Promise<readonly SeenEnd[]> {
  await eventually(() => seen.length === expected || problem !== undefined, LAST_ARRIVAL_MS);
  if (problem !== undefined) throw problem;
  await Promise.all(clients.map((client) => client.close()));
  return seen;
}
