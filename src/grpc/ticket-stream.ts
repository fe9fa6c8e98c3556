import type { Failure } from '../core/failure.ts';
import { isFinal, type Ticket } from '../core/sign-in/qr-ticket.ts';
import { hashOfSecret } from '../core/sign-in/random-secrets.ts';
import type { TicketSink, TicketWatcher, TicketWatchers } from '../core/sign-in/ticket-watchers.ts';
import { type WatchTicketRequest, WatchTicketResponse } from '../gen/latchkey/v1/qr_login.ts';
import { bytesOf } from './encoding.ts';
import { ticketStateMessage } from './messages/ticket-message.ts';
import { runWatch, type StreamingCall } from './server-streaming.ts';

/** One stream of WatchTicket. */
export class TicketStream implements TicketSink {
  readonly #call: StreamingCall;
  readonly #watcher: TicketWatcher;
  readonly #done = Promise.withResolvers<void>();

  /** Fails with TOO_MANY_WATCHES. */
  constructor(watchers: Pick<TicketWatchers, 'watch'>, call: StreamingCall, request: WatchTicketRequest) {
    this.#call = call;
    this.#watcher = watchers.watch(request.ticketId, hashOfSecret(request.redeemSecret), this);
  }

  /** Sends states until a final one. Rejects if the stream ends otherwise. */
  run(): Promise<void> {
    return runWatch(this.#call, this.#watcher, this.#done);
  }

  send(ticket: Ticket): void {
    try {
      this.#call.send(bytesOf(WatchTicketResponse, ticketStateMessage(ticket)), () => undefined);
      if (isFinal(ticket)) this.#done.resolve();
    } catch (error) {
      this.#done.reject(error);
    }
  }

  fail(failure: Failure): void {
    this.#done.reject(failure);
  }
}
