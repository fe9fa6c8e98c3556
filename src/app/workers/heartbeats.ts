/** How often a worker sends a heartbeat and the supervisor checks for silent workers; milliseconds. */
export const BEAT_MS = 1_000;
/** A serving worker that is silent for this long hangs; milliseconds. Event loop pauses are far shorter. */
const SILENCE_MS = 10_000;
/** The same for a starting worker, whose thread may be blocked by a file or lock; milliseconds. */
const START_SILENCE_MS = 60_000;
/** If the supervisor did not check for this long, it was itself suspended; milliseconds. */
const OWN_PAUSE_MS = 3 * BEAT_MS;

interface Beat {
  readonly limitMs: number;
  receivedAt: number;
}

/** When the supervisor last received a message from each worker. */
export class Heartbeats<Worker> {
  readonly #beats = new Map<Worker, Beat>();
  readonly #monotonic: () => number;
  readonly #silenceMs: number;
  #lookedAt: number;

  /** @param monotonic reads a monotonic clock; milliseconds. */
  constructor(monotonic: () => number, silenceMs = SILENCE_MS) {
    this.#monotonic = monotonic;
    this.#silenceMs = silenceMs;
    this.#lookedAt = monotonic();
  }

  starting(worker: Worker): void {
    this.#beats.set(worker, { limitMs: START_SILENCE_MS, receivedAt: this.#monotonic() });
  }

  serving(worker: Worker): void {
    this.#beats.set(worker, { limitMs: this.#silenceMs, receivedAt: this.#monotonic() });
  }

  received(worker: Worker): void {
    const beat = this.#beats.get(worker);
    if (beat !== undefined) beat.receivedAt = this.#monotonic();
  }

  remove(worker: Worker): void {
    this.#beats.delete(worker);
  }

  /** Returns the workers that hang. Must be called every `BEAT_MS`. */
  silent(): readonly SilentWorker<Worker>[] {
    const now = this.#monotonic();
    const wasSuspended = now - this.#lookedAt > OWN_PAUSE_MS;
    this.#lookedAt = now;
    // Messages that workers sent in the meantime are still unread.
    if (wasSuspended) for (const beat of this.#beats.values()) beat.receivedAt = now;
    return this.#found(({ limitMs, receivedAt }) => now - receivedAt >= limitMs);
  }

  /** Returns the workers that have sent no message since then. */
  silentSince(at: number): readonly SilentWorker<Worker>[] {
    return this.#found(({ receivedAt }) => receivedAt <= at);
  }

  #found(hangs: (beat: Beat) => boolean): readonly SilentWorker<Worker>[] {
    const now = this.#monotonic();
    return [...this.#beats]
      .filter(([, beat]) => hangs(beat))
      .map(([worker, { receivedAt }]) => ({ worker, silentMs: Math.round(now - receivedAt) }));
  }
}

export interface SilentWorker<Worker> {
  readonly worker: Worker;
  readonly silentMs: number;
}
