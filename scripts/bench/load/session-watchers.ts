import { type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js';
import { SessionServiceClient, type WatchSessionResponse } from '../../../src/gen/latchkey/v1/session.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { monotonicMs } from './logouts.ts';
import type { SeenEnd } from './validators.ts';

/** The server allows 200 streams on a connection. */
const STREAMS_PER_CONNECTION = 190;
/** How many streams may wait for their first message at a time. */
const OPENING_AT_ONCE = 100;
/** How long the streams may take to open, and the last ends to arrive; milliseconds. */
const LIMIT_MS = 60_000;

export interface WatchersJob {
  readonly port: number;
  /** One stream is opened for each. */
  readonly accessTokens: readonly string[];
}

const clients: SessionServiceClient[] = [];
const streams: ClientReadableStream<WatchSessionResponse>[] = [];
let seen: SeenEnd[] = [];
let alive = 0;
let problem: unknown;

/** Opens the streams. Resolves when each has received `alive`. */
export async function start({ port, accessTokens }: WatchersJob): Promise<void> {
  for (const [index, accessToken] of accessTokens.entries()) {
    await eventually(() => index - alive < OPENING_AT_ONCE || problem !== undefined, LIMIT_MS);
    if (problem !== undefined) throw problem;
    watch(clientFor(index, port), accessToken);
  }
  await eventually(() => alive === accessTokens.length || problem !== undefined, LIMIT_MS);
  if (problem !== undefined) throw problem;
}

/** Returns the ends since the last call, once there are as many as given. */
export async function take(count: number): Promise<readonly SeenEnd[]> {
  await eventually(() => seen.length >= count || problem !== undefined, LIMIT_MS);
  if (problem !== undefined) throw problem;
  const taken = seen;
  seen = [];
  return taken;
}

export async function stop(): Promise<void> {
  for (const stream of streams) stream.cancel();
  for (const client of clients) client.close();
}

function clientFor(index: number, port: number): SessionServiceClient {
  const at = Math.floor(index / STREAMS_PER_CONNECTION);
  clients[at] ??= new SessionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  return clients[at];
}

function watch(client: SessionServiceClient, accessToken: string): void {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${accessToken}`);
  const stream = client.watchSession({ heartbeatInterval: undefined }, metadata);
  streams.push(stream);
  let isOpen = false;
  let isEnded = false;
  stream.on('data', ({ event }: WatchSessionResponse) => {
    if (event?.$case === 'ended') {
      seen.push({ sessionId: event.value.sessionId, atMs: monotonicMs() });
      isEnded = true;
    } else if (!isOpen) {
      isOpen = true;
      alive += 1;
    }
  });
  // The streams are cancelled at the end, which is an error too.
  stream.on('error', (error) => {
    if (!isEnded) problem ??= error;
  });
}
