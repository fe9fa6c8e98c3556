import { reaches } from '../../validator/revision.ts';
import type { LoggedRevocation } from './revocation-log.ts';

/** The most entries in one slice. */
export const SLICE_SIZE = 1_000;

/** Slices that are not whole pages, kept for whoever stands at the same place. */
const PARTS_KEPT = 64;

/** Entries that follow one another. One object for all who stand at the same place. */
export interface LogSlice {
  readonly entries: readonly LoggedRevocation[];
  /** The place after its last entry. */
  readonly to: number;
}

/**
 * The entries of the log that a living token may need. A place in it is a number that only grows: a reader holds one
 * and nothing else, and entries that are forgotten in front of it do not move it.
 *
 * Slices end at multiples of their size, so that readers who begin at different times soon read the same ones.
 */
export class LivingLog {
  #entries: LoggedRevocation[] = [];
  #first = 0;
  /** The revision of the entry before the first; undefined: there was none, as far as is known here. */
  #before: string | undefined;
  readonly #pages = new Map<number, LogSlice>();
  readonly #parts = new Map<number, LogSlice>();

  /** The place of the first entry. */
  get first(): number {
    return this.#first;
  }

  /** The place after the last entry. */
  get end(): number {
    return this.#first + this.#entries.length;
  }

  append(entries: readonly LoggedRevocation[]): void {
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Drops what expired up to `until` from the front; one that is out of order is dropped a little late. */
  forget(until: number): void {
    let count = 0;
    while ((this.#entries[count]?.revocation.expiresAt ?? Number.POSITIVE_INFINITY) <= until) count += 1;
    if (count === 0) return;
    this.#before = this.#entries[count - 1]?.revision;
    this.#entries.splice(0, count);
    this.#first += count;
    for (const slices of [this.#pages, this.#parts]) {
      for (const from of slices.keys()) if (from < this.#first) slices.delete(from);
    }
  }

  /** Drops everything: what is appended next is another log, or this one from its beginning. */
  clear(): void {
    this.#first = this.end;
    this.#entries = [];
    this.#before = undefined;
    this.#pages.clear();
    this.#parts.clear();
  }

  /** The revision of the entry before a place; undefined: there is none. */
  revisionBefore(place: number): string | undefined {
    return place > this.#first ? this.#entries[place - this.#first - 1]?.revision : this.#before;
  }

  /**
   * The place to go on from after `revision`. Undefined: that entry is not here and not older than all that are, so
   * the log may have lost it, and others with it.
   *
   * An entry that was lost and put back stands at the end with a new revision: whoever goes on after an entry that
   * is here is told of it.
   */
  placeAfter(revision: string): number | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reaches(revision, this.#entries[middle]?.revision ?? '')) low = middle + 1;
      else high = middle;
    }
    if (low > 0) return this.#entries[low - 1]?.revision === revision ? this.#first + low : undefined;
    const isOlder =
      this.#entries.length > 0 || (this.#before !== undefined && reaches(this.#before, revision));
    return isOlder ? this.#first : undefined;
  }

  /** The entries from a place on, up to the end of its page; undefined: there are none yet. */
  sliceFrom(place: number): LogSlice | undefined {
    const from = Math.max(place, this.#first);
    const pageEnd = (Math.floor(from / SLICE_SIZE) + 1) * SLICE_SIZE;
    const to = Math.min(pageEnd, this.end);
    if (from >= to) return undefined;
    const kept = to - from === SLICE_SIZE ? this.#pages : this.#parts;
    const known = kept.get(from);
    if (known?.to === to) return known;
    const entries = this.#entries.slice(from - this.#first, to - this.#first);
    const slice: LogSlice = { entries, to };
    kept.set(from, slice);
    this.#limitParts();
    return slice;
  }

  #limitParts(): void {
    const [oldest] = this.#parts.keys();
    if (oldest !== undefined && this.#parts.size > PARTS_KEPT) this.#parts.delete(oldest);
  }
}
