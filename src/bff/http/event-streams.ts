import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

/** Between two comments that keep proxies from closing a silent stream, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** How long browsers wait before they open a lost stream again, in milliseconds. */
const RETRY_MS = 2_000;
/** A browser that leaves more than this unread is cut off, in bytes. */
const MAX_UNREAD = 65_536;
const MAX_STREAMS = 10_000;
const MAX_STREAMS_OF_ONE = 20;

/** Sends an event with its data as JSON. */
export type SendEvent = (event: string, data: unknown) => void;

/** The open event streams (WHATWG HTML, section 9.2) of all browsers. */
export class EventStreams {
  readonly #open = new Set<Readable>();
  readonly #byOwner = new Map<string, number>();
  #isClosed = false;

  /**
   * Answers with an event stream. It ends when `run` is done, when the browser has gone, or at `close`.
   *
   * @param owner what the number of streams is limited by: a session or a ticket.
   * @param run sends the events until the signal is aborted. Its error is logged and ends the stream.
   */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    owner: string,
    run: (send: SendEvent, signal: AbortSignal) => Promise<void>,
  ): FastifyReply {
    this.#admit(owner);
    const gone = new AbortController();
    const stream = new Readable({ read: () => undefined });
    const write = (text: string) => {
      if (stream.destroyed) return;
      stream.push(text);
      if (stream.readableLength > MAX_UNREAD) stream.destroy();
    };
    const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS).unref();
    this.#open.add(stream);
    stream.once('close', () => {
      clearInterval(heartbeat);
      gone.abort();
      this.#open.delete(stream);
      this.#release(owner);
    });
    // Also if the browser goes before Fastify reads the stream.
    reply.raw.once('close', () => stream.destroy());
    if (reply.raw.destroyed) stream.destroy();
    write(`retry: ${RETRY_MS}\n\n`);
    const send: SendEvent = (event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    run(send, gone.signal)
      .catch((error: unknown) => {
        if (!gone.signal.aborted) request.log.info({ err: error }, 'an event stream ended early');
      })
      .finally(() => end(stream));
    return reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(stream);
  }

  /** Ends all streams: browsers open them again elsewhere. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open) end(stream);
  }

  #admit(owner: string): void {
    const own = this.#byOwner.get(owner) ?? 0;
    if (this.#isClosed || this.#open.size >= MAX_STREAMS) {
      const more = { retryAfterSeconds: RETRY_MS / 1_000 };
      throw new Refusal(503, 'service-unavailable', 'There are too many event streams. Try again.', more);
    }
    if (own >= MAX_STREAMS_OF_ONE) {
      const more = { reason: 'TOO_MANY_STREAMS', retryAfterSeconds: HEARTBEAT_MS / 1_000 };
      throw new Refusal(429, 'too-many-requests', 'This browser has too many event streams.', more);
    }
    this.#byOwner.set(owner, own + 1);
  }

  #release(owner: string): void {
    const own = (this.#byOwner.get(owner) ?? 1) - 1;
    if (own === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, own);
  }
}

function end(stream: Readable): void {
  if (!stream.destroyed && !stream.readableEnded) stream.push(null);
}
