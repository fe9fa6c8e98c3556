import type { Clock } from '../../validator/clock.ts';
import { type Revocation as RevocationEntry, RevocationSet } from '../../validator/revocation-set.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import { type Revocation, revocationOf } from '../transport/revocation.ts';
import type { EndReasonName } from '../transport/validation.ts';

interface TestEnd {
  readonly reason: EndReasonName;
  /** Milliseconds since 1970. */
  readonly endedAt: number;
}

/** The local copy of a test client. While it is disconnected, revocations wait and its age grows. */
export class TestRevocations implements RevocationCopy {
  readonly coveredSince = Number.NEGATIVE_INFINITY;
  readonly forgottenUntil = 0;
  readonly #clock: Clock;
  readonly #known = new RevocationSet();
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #waiting: RevocationEntry[] = [];
  #revision: string | undefined;
  /** When it was disconnected, by both clocks. Undefined: it is connected. */
  #disconnectedAt: { readonly now: number; readonly monotonic: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isDisconnected(): boolean {
    return this.#disconnectedAt !== undefined;
  }

  get revision(): string | undefined {
    return this.#revision;
  }

  get asOf(): number {
    return this.#disconnectedAt?.now ?? this.#clock.now();
  }

  get ageMs(): number {
    return this.#disconnectedAt === undefined ? 0 : this.#clock.monotonic() - this.#disconnectedAt.monotonic;
  }

  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    return this.#known.endReasonOf(userId, sessionId, sessionCreatedAt);
  }

  /** How a session ended; undefined: it is living, as far as this copy knows. */
  endOf(userId: string, sessionId: string, sessionCreatedAt: number): TestEnd | undefined {
    const known = [...this.#known.entries()].filter((entry) => entry.userId === userId);
    const own = known.find((entry) => entry.kind === 'session' && entry.sessionId === sessionId);
    const end = own ?? known.find((entry) => entry.kind === 'user' && sessionCreatedAt <= entry.cutoff);
    return end && { reason: end.reason as EndReasonName, endedAt: end.endedAt };
  }

  append(entry: RevocationEntry): void {
    this.#waiting.push(entry);
    if (!this.isDisconnected) this.#deliver();
  }

  disconnect(): void {
    this.#disconnectedAt ??= { now: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }

  reconnect(): void {
    this.#disconnectedAt = undefined;
    this.#deliver();
  }

  listen(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
  }

  #deliver(): void {
    for (const entry of this.#waiting.splice(0)) {
      this.#known.add(entry);
      const [ms = '0', sequence = '0'] = this.#revision?.split('-') ?? [];
      const sameMs = Number(ms) >= entry.endedAt;
      this.#revision = sameMs ? `${ms}-${Number(sequence) + 1}` : `${entry.endedAt}-0`;
      for (const listener of this.#listeners) listener(revocationOf(entry));
    }
  }
}
