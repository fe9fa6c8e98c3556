import type { TicketListener } from '../../core/sign-in/ticket-store.ts';
import { reaches } from '../../validator/revision.ts';
import { answerInTime } from '../answer-in-time.ts';
import { closeRedis, type RedisClient } from './connection.ts';
import { TICKET_CHANGES_KEY } from './keys.ts';

/** How long one read waits for changes; milliseconds. */
export const CHANGES_WAIT_MS = 2_000;
const PAGE_SIZE = 1_000;
const RETRY_MS = 200;
const BEGINNING = '0-0';

/**
 * Reads the stream of changed tickets: one blocking command for a process, however many watchers it has.
 *
 * The stream only says which ticket to read again. So a lost entry delays a watcher until its next read.
 */
export class RedisTicketChanges {
  readonly #client: RedisClient;
  readonly #deadlineMs: number;
  readonly #listeners: TicketListener[] = [];
  /** The id of the last entry that was read. Undefined: to be read from the stream. */
  #position: string | undefined;
  #isClosed = false;
  #running: Promise<void> | undefined;
  #pause: (() => void) | undefined;

  /** @param client no other component may use it. */
  constructor(client: RedisClient, deadlineMs: number) {
    this.#client = client;
    this.#deadlineMs = deadlineMs;
  }

  follow(listener: TicketListener): void {
    this.#listeners.push(listener);
    if (this.#running === undefined) this.#running = this.#run();
    else if (this.#position !== undefined) listener.missed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause?.();
    closeRedis(this.#client);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (this.#position === undefined) {
          this.#position = await this.#lastId();
          for (const listener of this.#listeners) listener.missed();
        }
        this.#position = await this.#round(this.#position);
      } catch {
        this.#position = undefined;
        await this.#wait();
      }
    }
  }

  /** Returns the next position; undefined if the stream has lost entries. */
  async #round(position: string): Promise<string | undefined> {
    const reply = await answerInTime('sessions', CHANGES_WAIT_MS + this.#deadlineMs, () =>
      this.#client.xread(
        ...(['COUNT', PAGE_SIZE, 'BLOCK', CHANGES_WAIT_MS] as const),
        ...(['STREAMS', TICKET_CHANGES_KEY, position] as const),
      ),
    );
    const entries = reply?.[0]?.[1] ?? [];
    for (const [, [, ticketId]] of entries) {
      if (ticketId !== undefined) for (const listener of this.#listeners) listener.changed(ticketId);
    }
    const last = entries.at(-1)?.[0];
    if (last !== undefined) return last;
    // After a failover or a wipe, new entries may have lower ids than the position. Then no read would find them.
    return reaches(await this.#lastId(), position) ? position : undefined;
  }

  async #lastId(): Promise<string> {
    const found = await answerInTime('sessions', this.#deadlineMs, () =>
      this.#client.xrevrange(TICKET_CHANGES_KEY, '+', '-', 'COUNT', 1),
    );
    return found[0]?.[0] ?? BEGINNING;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#pause?.(), RETRY_MS);
      this.#pause = () => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
      if (this.#isClosed) this.#pause();
    });
  }
}
