import { reaches } from '../../validator/revision.ts';
import type { LoggedRevocation } from './revocation-log.ts';

/** Maximum entries on one page. */
const PAGE_SIZE = 1_000;

/** Maximum cached pages that are not full. Readers at the same place share them. */
const SHORT_PAGES_KEPT = 64;

/** Consecutive entries. All readers at the same place share one object. */
export interface LogPage {
  readonly entries: readonly LoggedRevocation[];
  /** The place after the last entry. */
  readonly to: number;
}

/**
 * The log entries that a live token may need.
 *
 * A place is a number that only grows. A reader stores only its place. Dropping old entries does not change it.
 * Pages end at multiples of the page size, so readers with different starts soon share pages.
 */
export class RetainedRevocations {
  #entries: LoggedRevocation[] = [];
  #first = 0;
  /** The revision of the entry before the first one; undefined: none is known. */
  #before: string | undefined;
  readonly #fullPages = new Map<number, LogPage>();
  readonly #shortPages = new Map<number, LogPage>();

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

  /** Drops leading entries that expired up to `until`. An entry that is out of order is dropped a little later. */
  forget(until: number): void {
    let count = 0;
    while ((this.#entries[count]?.revocation.expiresAt ?? Number.POSITIVE_INFINITY) <= until) count += 1;
    if (count === 0) return;
    this.#before = this.#entries[count - 1]?.revision;
    this.#entries.splice(0, count);
    this.#first += count;
    for (const pages of [this.#fullPages, this.#shortPages]) {
      for (const from of pages.keys()) if (from < this.#first) pages.delete(from);
    }
  }

  /** Drops everything. The next entries are a different log, or this one from its beginning. */
  clear(): void {
    this.#first = this.end;
    this.#entries = [];
    this.#before = undefined;
    this.#fullPages.clear();
    this.#shortPages.clear();
  }

  /** The revision of the entry before a place; undefined: there is none. */
  revisionBefore(place: number): string | undefined {
    return place > this.#first ? this.#entries[place - this.#first - 1]?.revision : this.#before;
  }

  /**
   * The place that follows `revision`. Undefined if that entry is not held and is not older than all held entries. Then
   * the log may have lost it, and others too.
   *
   * An entry that was put back has a new revision at the end of the log. So a reader that resumes here still gets it.
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

  /** The entries from a place up to the next multiple of the page size; undefined: there are none yet. */
  pageFrom(place: number): LogPage | undefined {
    const from = Math.max(place, this.#first);
    const pageEnd = (Math.floor(from / PAGE_SIZE) + 1) * PAGE_SIZE;
    const to = Math.min(pageEnd, this.end);
    if (from >= to) return undefined;
    const kept = to - from === PAGE_SIZE ? this.#fullPages : this.#shortPages;
    const known = kept.get(from);
    if (known?.to === to) return known;
    const entries = this.#entries.slice(from - this.#first, to - this.#first);
    const page: LogPage = { entries, to };
    kept.set(from, page);
    this.#limitShortPages();
    return page;
  }

  #limitShortPages(): void {
    const [oldest] = this.#shortPages.keys();
    if (oldest !== undefined && this.#shortPages.size > SHORT_PAGES_KEPT) this.#shortPages.delete(oldest);
  }
}
