import { type Client, type ClientReadableStream, connectivityState } from '@grpc/grpc-js';
import {
  type HealthCheckResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/health/v1/health.ts';
import { BackgroundLoop } from './background-loop.ts';
import { Backoff } from './backoff.ts';
import { cancellable } from './cancellable.ts';
import { stateOf, untilConnected } from './connectivity.ts';

/** The empty name stands for the whole server. */
const WHOLE_SERVER = { service: '' };
const RETRY_MS = { first: 50, max: 5_000 };
/** How long a connected service may take to report its health before it counts as serving, in milliseconds. */
const HEALTH_WAIT_MS = 500;

/**
 * Follows the health of a service (`grpc.health.v1.Health/Watch`). NOT_SERVING: it cannot sign users in, or is about
 * to stop. A service without this RPC counts as serving.
 */
export class HealthWatch {
  readonly #client: Client;
  readonly #onServing: () => void;
  readonly #loop = new BackgroundLoop((signal) => this.#watch(signal), new Backoff(RETRY_MS));
  #isServing: boolean | undefined;
  #known = Promise.withResolvers<void>();

  /** @param onServing called at every report of a status other than NOT_SERVING. */
  constructor(client: Client, onServing: () => void) {
    this.#client = client;
    this.#onServing = onServing;
  }

  /** Undefined: the service has not reported yet. */
  get isServing(): boolean | undefined {
    return this.#isServing;
  }

  start(): void {
    this.#loop.start();
  }

  /** Resolves when the health is known. After `HEALTH_WAIT_MS` without a report, the service counts as serving. */
  async known(): Promise<void> {
    const timer = setTimeout(() => this.#assumeServing(), HEALTH_WAIT_MS);
    await this.#known.promise;
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    this.#assumeServing();
    await this.#loop.close();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    await cancellable(untilConnected(this.#client), signal);
    if (signal.aborted) return;
    const { path, requestSerialize, responseDeserialize } = HealthService.watch;
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      WHOLE_SERVER,
    );
    try {
      await cancellable(this.#read(stream), signal);
    } finally {
      stream.cancel();
      if (stateOf(this.#client) === connectivityState.READY) this.#assumeServing();
      else this.#forget();
    }
  }

  /** Rejects when the stream ends. */
  #read(stream: ClientReadableStream<HealthCheckResponse>): Promise<never> {
    return new Promise((_resolve, reject) => {
      stream.on('data', (message: HealthCheckResponse) => {
        const isServing = message.status !== ServingStatus.NOT_SERVING;
        this.#take(isServing);
        this.#loop.succeeded();
        if (isServing) this.#onServing();
      });
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('The stream ended.')));
    });
  }

  #take(isServing: boolean): void {
    this.#isServing = isServing;
    this.#known.resolve();
  }

  /** Keeps the last report, if there is one. */
  #assumeServing(): void {
    this.#take(this.#isServing ?? true);
  }

  #forget(): void {
    if (this.#isServing === undefined) return;
    this.#isServing = undefined;
    this.#known = Promise.withResolvers();
  }
}

/** Whether the service answers a health check within `withinMs` milliseconds. An error counts as an answer. */
export function respondsWithin(client: Client, withinMs: number): Promise<boolean> {
  const { path, requestSerialize, responseDeserialize } = HealthService.check;
  return new Promise((resolve) => {
    // A timer, not a gRPC deadline: a deadline is wall-clock time, and that clock can be set.
    const timer = setTimeout(() => {
      resolve(false);
      call.cancel();
    }, withinMs);
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, WHOLE_SERVER, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
