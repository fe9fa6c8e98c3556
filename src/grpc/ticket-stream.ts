import type { Failure } from '../core/failure.ts';
import { isFinal, type Ticket } from '../core/sign-in/qr-ticket.ts';
import { hashOfSecret } from '../core/sign-in/ticket-secrets.ts';
import type { TicketSink, TicketWatcher, TicketWatchers } from '../core/sign-in/ticket-watchers.ts';
import { type WatchTicketRequest, WatchTicketResponse } from '../gen/latchkey/v1/qr_login.ts';
import { bytesOf } from './encoding.ts';
import { ticketStateMessage } from './messages/ticket-message.ts';
import { reasonOf, type StreamingCall } from './server-streaming.ts';

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
  async run(): Promise<void> {
    const { signal } = this.#call;
    const stop = () => this.#done.reject(reasonOf(signal));
    try {
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      await Promise.race([this.#watcher.read(), this.#done.promise]);
      await this.#done.promise;
    } finally {
      this.#watcher.close();
    }
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
