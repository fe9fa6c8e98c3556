import type { FastifyInstance } from 'fastify';

/** Counts the requests in progress. A server cannot wait for its connections: browsers keep idle ones open. */
export class RequestsInProgress {
  #count = 0;
  #onIdle: (() => void) | undefined;

  constructor(app: FastifyInstance) {
    app.addHook('onRequest', (_request, reply, done) => {
      this.#count += 1;
      reply.raw.once('close', () => {
        this.#count -= 1;
        if (this.#count === 0) this.#onIdle?.();
      });
      done();
    });
  }

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
