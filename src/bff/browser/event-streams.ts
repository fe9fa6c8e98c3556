import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, unavailable } from '../refusal.ts';

/** Time between two heartbeats, which keep proxies from closing a silent stream; milliseconds. */
const HEARTBEAT_MS = 15_000;
/** How long browsers wait before they open a lost stream again; milliseconds. */
const RETRY_MS = 2_000;
/** A stream with more unread bytes than this is closed. */
const MAX_UNREAD_BYTES = 65_536;

/** What a stream is about. Anybody can make tickets, so streams of tickets have a limit of their own. */
export interface StreamOwner {
  readonly kind: 'session' | 'ticket';
  readonly id: string;
}

/** How many streams may be open. */
interface StreamLimits {
  /** Of one session or ticket. */
  readonly one: number;
  /** Of all of this kind. */
  readonly all: number;
}

/** For one session and for one ticket, the service has the same limits. */
const LIMITS: Readonly<Record<StreamOwner['kind'], StreamLimits>> = {
  session: { one: 10, all: 10_000 },
  ticket: { one: 5, all: 10_000 },
};

/** Sends an event with its data as JSON. */
export type SendEvent = (event: string, data: unknown) => void;

/** The open event streams (WHATWG HTML, section 9.2) of all browsers. */
export class EventStreams {
  readonly #open = new Set<Readable>();
  readonly #byOwner = new Map<string, number>();
  readonly #byKind = { session: 0, ticket: 0 };
  readonly #limits: Readonly<Record<StreamOwner['kind'], StreamLimits>>;
  #isClosed = false;

  /** @param limits for tests. */
  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Answers with an event stream. It ends when `run` is done, when the browser has gone, or at `close`.
   *
   * @param run sends the events until the signal is aborted. Its error is logged and ends the stream.
   * @throws Refusal if there are too many streams.
   */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    owner: StreamOwner,
    run: (send: SendEvent, signal: AbortSignal) => Promise<void>,
  ): FastifyReply {
    this.#admit(owner);
    const gone = new AbortController();
    const stream = new Readable({ read: () => undefined });
    const write = (text: string) => {
      if (stream.destroyed) return;
      stream.push(text);
      if (stream.readableLength > MAX_UNREAD_BYTES) stream.destroy();
    };
    const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS).unref();
    this.#open.add(stream);
    stream.once('close', () => {
      clearInterval(heartbeat);
      gone.abort();
      this.#open.delete(stream);
      this.#release(owner);
    });
    // Fastify does not close the stream if the browser has gone before Fastify reads it.
    reply.raw.once('close', () => stream.destroy());
    if (reply.raw.destroyed) stream.destroy();
    write(`retry: ${RETRY_MS}\n\n`);
    const send: SendEvent = (event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    run(send, gone.signal)
      .catch((error: unknown) => {
        if (!gone.signal.aborted)
          request.log.info({ err: error }, 'event stream failed; the browser reconnects');
      })
      .finally(() => end(stream));
    return reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(stream);
  }

  /** Ends all streams. Browsers open them again at another replica. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open) end(stream);
  }

  #admit({ kind, id }: StreamOwner): void {
    const { one, all } = this.#limits[kind];
    const owner = `${kind}:${id}`;
    const own = this.#byOwner.get(owner) ?? 0;
    if (this.#isClosed) throw unavailable('The server is stopping. Open the stream again.');
    if (this.#byKind[kind] >= all) throw unavailable('There are too many event streams. Try again.');
    if (own >= one) {
      // A heartbeat finds the streams whose browsers have gone.
      const what = kind === 'session' ? 'session' : 'code';
      const more = { reason: 'TOO_MANY_STREAMS', retryAfterSeconds: HEARTBEAT_MS / 1_000 };
      throw new Refusal(
        429,
        'too-many-requests',
        `This ${what} has too many event streams. Close a tab.`,
        more,
      );
    }
    this.#byOwner.set(owner, own + 1);
    this.#byKind[kind] += 1;
  }

  #release({ kind, id }: StreamOwner): void {
    const owner = `${kind}:${id}`;
    const own = (this.#byOwner.get(owner) ?? 1) - 1;
    if (own === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, own);
    this.#byKind[kind] -= 1;
  }
}

function end(stream: Readable): void {
  if (!stream.destroyed && !stream.readableEnded) stream.push(null);
}
