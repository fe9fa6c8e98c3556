import { type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type ValidationServiceClient,
  WatchRevocationsRequest,
  type WatchRevocationsResponse,
} from '../../../src/gen/latchkey/v1/validation.ts';
import { eventually } from '../../support/eventually.ts';
import { type Outcome, takeApart } from './unary-call.ts';

export interface WatchCallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

/** One stream of WatchRevocations, read as messages arrive. */
export class WatchCall {
  readonly messages: WatchRevocationsResponse[] = [];
  /** How it ended; undefined: not yet. */
  outcome: Outcome<'end'> | undefined;
  readonly #stream: ClientReadableStream<WatchRevocationsResponse>;

  constructor(
    client: ValidationServiceClient,
    request: Partial<WatchRevocationsRequest> = {},
    { metadata = {}, deadlineMs }: WatchCallOptions = {},
  ) {
    const entries = new Metadata();
    for (const [key, value] of Object.entries(metadata)) entries.set(key, value);
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    this.#stream = client.watchRevocations(
      { ...WatchRevocationsRequest.decode(new Uint8Array()), ...request },
      entries,
      options,
    );
    this.#stream.on('data', (message: WatchRevocationsResponse) => this.messages.push(message));
    this.#stream.on('end', () => {
      this.outcome ??= { ok: 'end' };
    });
    this.#stream.on('error', (error: ServiceError) => {
      this.outcome = takeApart(error);
    });
  }

  /** The ids of the sessions that it received, in order. */
  get sessionIds(): readonly string[] {
    return this.messages.flatMap(({ revocations }) =>
      revocations.map(({ scope }) => (scope?.$case === 'sessionId' ? scope.value : '')),
    );
  }

  get last(): WatchRevocationsResponse {
    const last = this.messages.at(-1);
    if (last === undefined) throw new Error('no message yet');
    return last;
  }

  /** Where to resume after the last message. */
  get place(): Pick<WatchRevocationsRequest, 'afterRevision' | 'coveredSince'> {
    const start = this.messages.findLast((message) => message.start !== undefined)?.start;
    return { afterRevision: this.last.revision, coveredSince: start?.coveredSince };
  }

  async current(): Promise<this> {
    await eventually(() => this.messages.at(-1)?.freshness !== undefined);
    return this;
  }

  async ended(): Promise<Outcome<'end'>> {
    await eventually(() => this.outcome !== undefined);
    return this.outcome ?? { ok: 'end' };
  }

  /** Reads nothing more from the network. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}
