import type { AuditOutbox } from './audit-outbox.ts';
import type { AuditTrail } from './audit-trail.ts';

export interface AuditMoverOptions {
  readonly outbox: Pick<AuditOutbox, 'read' | 'remove'>;
  readonly trail: Pick<AuditTrail, 'insert' | 'deleteBefore'>;
}

/** Events in one transaction. Few, because SQLite inserts them on the thread that serves calls. */
const BATCH = 200;
/** Rows deleted in one transaction, and transactions in one run. Bounded, so that many deletions do not delay calls. */
const DELETE_BATCH = 500;
const MAX_DELETE_BATCHES = 20;

/**
 * Moves audit events from the outbox to the trail, and deletes old ones from the trail.
 *
 * An event is removed from the outbox only after it is in the trail. A process that dies in between leaves it in both,
 * and the next one inserts it again, which changes nothing.
 */
export class AuditMover {
  readonly #options: AuditMoverOptions;
  #backlog = 0;
  #moving: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: AuditMoverOptions) {
    this.#options = options;
  }

  /** The number of events in the outbox when it was last read. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Moves what is in the outbox. Concurrent calls share one run. Fails with STORE_UNAVAILABLE; repeat it later. */
  move(): Promise<void> {
    this.#moving ??= this.#move().finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  }

  /** Deletes events before a time, in small batches. What remains is deleted by the next call. */
  async deleteBefore(at: number): Promise<void> {
    for (let batch = 0; batch < MAX_DELETE_BATCHES; batch += 1) {
      if ((await this.#options.trail.deleteBefore(at, DELETE_BATCH)) < DELETE_BATCH) return;
    }
  }

  /** Waits for the batch that is being moved. Later calls of `move` do nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#moving?.catch(() => undefined);
  }

  async #move(): Promise<void> {
    const { outbox, trail } = this.#options;
    while (!this.#isClosed) {
      const { entries, backlog } = await outbox.read(BATCH);
      this.#backlog = backlog;
      if (entries.length === 0) return;
      await trail.insert(entries.map(({ event }) => event));
      await outbox.remove(entries);
      this.#backlog = Math.max(0, backlog - entries.length);
      if (entries.length < BATCH) return;
    }
  }
}
