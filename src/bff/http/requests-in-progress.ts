import type { FastifyInstance } from 'fastify';

/** The requests in progress. Browsers also keep connections open on which they have asked nothing yet. */
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

  /** Resolves when there are none. */
  async idle(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
