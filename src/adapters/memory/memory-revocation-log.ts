import {
  LOG_PAGE_SIZE,
  type LoggedRevocation,
  type LogState,
  type RevocationLog,
} from '../../core/revocation/revocation-log.ts';
import { reaches } from '../../validator/revision.ts';
import type { Revocation } from '../../validator/revocation-set.ts';

/** A revocation log in memory. It is lost when the process ends, as the sessions are. */
export class MemoryRevocationLog implements RevocationLog {
  readonly #retentionMs: number;
  readonly #waiting = new Set<() => void>();
  #entries: LoggedRevocation[] = [];
  #coveredSince: number | undefined;
  #lastMs = 0;
  #lastSequence = 0;
  #closed = false;

  /** @param retentionMs minimum time an entry is kept after its `endedAt`; milliseconds. */
  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  async append(revocation: Revocation, now: number): Promise<string> {
    this.#coveredSince ??= now;
    this.#lastSequence = now > this.#lastMs ? 0 : this.#lastSequence + 1;
    this.#lastMs = Math.max(now, this.#lastMs);
    const revision = `${this.#lastMs}-${this.#lastSequence}`;
    this.#drop(now);
    this.#entries.push({ revision, revocation });
    for (const wake of this.#waiting) wake();
    return revision;
  }

  async read(after: string | undefined, waitMs: number): Promise<readonly LoggedRevocation[]> {
    const found = this.#after(after);
    if (found.length > 0 || waitMs === 0 || this.#closed) return found;
    await this.#appended(waitMs);
    return this.#after(after);
  }

  async inspect(_position: string | undefined, now: number): Promise<LogState> {
    this.#coveredSince ??= now;
    return { coveredSince: this.#coveredSince, continuous: true };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting) wake();
  }

  #after(position: string | undefined): readonly LoggedRevocation[] {
    const from = position === undefined ? 0 : this.#firstWhere((revision) => !reaches(position, revision));
    return this.#entries.slice(from, from + LOG_PAGE_SIZE);
  }

  #appended(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#waiting.add(wake);
    });
  }

  #drop(now: number): void {
    const isNeeded = ({ revocation: { endedAt, expiresAt } }: LoggedRevocation) =>
      Math.max(expiresAt, endedAt + this.#retentionMs) >= now;
    const needed = this.#entries.findIndex(isNeeded);
    if (needed !== 0) this.#entries = needed === -1 ? [] : this.#entries.slice(needed);
  }

  /** Binary search for the first matching entry. All entries after a matching one must match. */
  #firstWhere(isTrue: (revision: string) => boolean): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && isTrue(entry.revision)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
