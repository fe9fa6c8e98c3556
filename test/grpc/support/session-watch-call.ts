import { type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { endReasonName } from '../../../src/client/transport/validation-message.ts';
import type {
  SessionServiceClient,
  WatchSessionRequest,
  WatchSessionResponse,
} from '../../../src/gen/latchkey/v1/session.ts';
import { eventually } from '../../support/eventually.ts';
import { type Outcome, takeApart } from './unary-call.ts';

/** One stream of WatchSession, read as messages arrive. */
export class SessionWatchCall {
  readonly messages: WatchSessionResponse[] = [];
  /** How it ended; undefined: not yet. */
  outcome: Outcome<'end'> | undefined;
  readonly #stream: ClientReadableStream<WatchSessionResponse>;

  constructor(
    client: SessionServiceClient,
    token: string,
    heartbeatInterval?: WatchSessionRequest['heartbeatInterval'],
  ) {
    const metadata = new Metadata();
    if (token !== '') metadata.set('authorization', `Bearer ${token}`);
    this.#stream = client.watchSession({ heartbeatInterval }, metadata);
    this.#stream.on('data', (message: WatchSessionResponse) => this.messages.push(message));
    this.#stream.on('end', () => {
      this.outcome ??= { ok: 'end' };
    });
    this.#stream.on('error', (error: ServiceError) => {
      this.outcome = takeApart(error);
    });
  }

  get last(): WatchSessionResponse | undefined {
    return this.messages.at(-1);
  }

  /** Waits for the first message, which says that the session is living. */
  async alive(): Promise<this> {
    await eventually(() => this.messages.length > 0 || this.outcome !== undefined);
    if (this.messages[0]?.event?.$case === 'alive') return this;
    throw new Error(`not alive: ${JSON.stringify(this.outcome ?? this.messages)}`);
  }

  async ended(): Promise<Outcome<'end'>> {
    await eventually(() => this.outcome !== undefined);
    return this.outcome ?? { ok: 'end' };
  }

  /** The name of the reason in the last message, after the stream has ended. */
  async endReason(): Promise<string | undefined> {
    await this.ended();
    const event = this.last?.event;
    return event?.$case === 'ended' ? endReasonName(event.value.endReason) : undefined;
  }

  cancel(): void {
    this.#stream.cancel();
  }
}
