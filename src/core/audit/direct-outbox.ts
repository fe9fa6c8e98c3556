import type { AuditEvent } from './audit-event.ts';
import type { AuditOutbox, OutboxPage } from './audit-outbox.ts';
import type { AuditTrail } from './audit-trail.ts';

interface Waiting {
  readonly events: readonly AuditEvent[];
  readonly done: PromiseWithResolvers<void>;
}

/**
 * An outbox that is never read, because it inserts each event into the trail at once. For a service whose sessions are
 * in memory. Appends that come during an insert share the next one, so that many ends cost few commits.
 */
export class DirectOutbox implements AuditOutbox {
  readonly #trail: Pick<AuditTrail, 'insert' | 'ping'>;
  #waiting: Waiting[] = [];
  #isInserting = false;

  constructor(trail: Pick<AuditTrail, 'insert' | 'ping'>) {
    this.#trail = trail;
  }

  appendConfirmed(event: AuditEvent): Promise<void> {
    return this.appendIfRoom([event]);
  }

  appendIfRoom(events: readonly AuditEvent[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ events, done });
    if (!this.#isInserting) void this.#insertAll();
    return done.promise;
  }

  checkRoom(): Promise<void> {
    return this.#trail.ping();
  }

  async read(): Promise<OutboxPage> {
    return { entries: [], backlog: this.#waiting.length };
  }

  async remove(): Promise<void> {}

  async #insertAll(): Promise<void> {
    this.#isInserting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#trail.insert(batch.flatMap(({ events }) => events));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    this.#isInserting = false;
  }
}
