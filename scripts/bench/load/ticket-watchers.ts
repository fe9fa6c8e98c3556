import { type ClientReadableStream, credentials } from '@grpc/grpc-js';
import {
  QrLoginServiceClient,
  TicketState,
  type WatchTicketResponse,
} from '../../../src/gen/latchkey/v1/qr_login.ts';
import { call } from '../../../test/grpc/support/unary-call.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { inLanes } from '../../../test/support/in-lanes.ts';
import { monotonicMs } from './logouts.ts';

/** The server allows 200 streams on a connection. */
const STREAMS_PER_CONNECTION = 190;
const OPENING_AT_ONCE = 20;
/** How long a push may take; milliseconds. */
const LIMIT_MS = 60_000;

export interface TicketLag {
  /** From the instant at which ScanTicket is sent to the instant at which the watcher has the new state. */
  readonly fromCallMs: number;
  /** From the answer of ScanTicket to that instant. Negative: the watcher was first. */
  readonly fromAnswerMs: number;
}

const clients: QrLoginServiceClient[] = [];
const streams: ClientReadableStream<WatchTicketResponse>[] = [];
const tickets: string[] = [];
/** When each ticket was seen to be scanned, by its id. */
const scannedAt = new Map<string, number>();

/** Makes so many tickets and opens a stream for each. Resolves when each stream has told a state. */
export async function start(port: number, count: number): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  await inLanes(indexes, (index) => watchNew(clientFor(index, port)), OPENING_AT_ONCE);
}

/** Scans so many tickets, one after the other, at a server. */
export async function scan(port: number, accessToken: string, count: number): Promise<readonly TicketLag[]> {
  const client = new QrLoginServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = { authorization: `Bearer ${accessToken}` };
  const lags: TicketLag[] = [];
  for (const ticketId of tickets.splice(0, count)) {
    const sentAt = monotonicMs();
    await answerOf(call(client, client.scanTicket, { ticketId, origin: undefined }, { metadata }));
    const answeredAt = monotonicMs();
    await eventually(() => scannedAt.has(ticketId), LIMIT_MS);
    const seenAt = scannedAt.get(ticketId) ?? Number.NaN;
    lags.push({ fromCallMs: seenAt - sentAt, fromAnswerMs: seenAt - answeredAt });
  }
  client.close();
  return lags;
}

export async function stop(): Promise<void> {
  for (const stream of streams) stream.cancel();
  for (const client of clients) client.close();
}

async function watchNew(client: QrLoginServiceClient): Promise<void> {
  const request = { clientId: 'bench', device: undefined, origin: undefined, labels: {} };
  const { ticketId, redeemSecret } = await answerOf(call(client, client.createTicket, request));
  const stream = client.watchTicket({ ticketId, redeemSecret });
  streams.push(stream);
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', ({ state }: WatchTicketResponse) => {
      if (state === TicketState.SCANNED) scannedAt.set(ticketId, monotonicMs());
      resolve();
    });
  });
  tickets.push(ticketId);
}

function clientFor(index: number, port: number): QrLoginServiceClient {
  const at = Math.floor(index / STREAMS_PER_CONNECTION);
  clients[at] ??= new QrLoginServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  return clients[at];
}

async function answerOf<Response>(calling: ReturnType<typeof call<unknown, Response>>): Promise<Response> {
  const outcome = await calling;
  if ('ok' in outcome) return outcome.ok;
  throw new Error(`${outcome.reason}: ${outcome.message}`);
}
