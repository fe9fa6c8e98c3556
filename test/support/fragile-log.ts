import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import type { LoggedRevocation, LogState, RevocationLog } from '../../src/core/revocation/revocation-log.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { HOUR } from './sessions.ts';

/** A log that can be disconnected, and replaced by another one as in a failover. */
export class FragileLog implements RevocationLog {
  inner: MemoryRevocationLog = new MemoryRevocationLog(HOUR);
  faulty = false;
  /** Only reads are answered. */
  isHalfFaulty = false;
  /** Reads that got no answer. */
  unanswered = 0;
  readonly #held = new Set<string>();
  #silence: PromiseWithResolvers<void> | undefined;

  async append(revocation: Revocation, now: number): Promise<string> {
    const revision = await this.inner.append(revocation, now);
    this.#held.add(revision);
    return revision;
  }

  async read(after: string | undefined, waitMs: number) {
    if (this.faulty) throw new Error('connection lost');
    if (this.#silence !== undefined) {
      this.unanswered += 1;
      await this.#silence.promise;
    }
    return this.inner.read(after, waitMs);
  }

  /** From now on reads get no answer, as on a connection that was cut silently. */
  fallSilent(): void {
    this.#silence = Promise.withResolvers<void>();
  }

  speak(): void {
    this.#silence?.resolve();
    this.#silence = undefined;
  }

  async inspect(position: string | undefined, now: number): Promise<LogState> {
    if (this.faulty || this.isHalfFaulty) throw new Error('connection lost');
    const state = await this.inner.inspect(position, now);
    return { ...state, continuous: position === undefined || this.#held.has(position) };
  }

  /** What a failover leaves: the log with the same genesis, without the entries. */
  async fail(): Promise<void> {
    const { coveredSince } = await this.inner.inspect(undefined, 0);
    this.inner = new MemoryRevocationLog(HOUR);
    this.#held.clear();
    await this.inner.inspect(undefined, coveredSince);
  }

  /**
   * Restores an entry at its position before the failover. Call it right afterwards, because revisions come from the
   * clock.
   */
  async restore({ revision, revocation }: LoggedRevocation, now: number): Promise<void> {
    const put = await this.append(revocation, now);
    if (put !== revision) throw new Error(`${put} is not ${revision}`);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
