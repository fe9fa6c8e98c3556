/** How often a worker says that it is alive, and how often the supervisor looks; milliseconds. */
export const BEAT_MS = 1_000;
/** A worker that serves and is silent for so long hangs. Pauses of its event loop are far shorter. */
const SILENCE_MS = 10_000;
/** While a worker starts, a file or a lock may hold its thread. */
const START_SILENCE_MS = 60_000;
/** If the supervisor did not look for so long, it was suspended itself. */
const OWN_PAUSE_MS = 3 * BEAT_MS;

interface Beat {
  readonly limitMs: number;
  heardAt: number;
}

/** When the supervisor last heard of each worker. */
export class Heartbeats<Worker> {
  readonly #beats = new Map<Worker, Beat>();
  readonly #monotonic: () => number;
  readonly #silenceMs: number;
  #lookedAt: number;

  /** @param monotonic a clock that does not jump; milliseconds. */
  constructor(monotonic: () => number, silenceMs = SILENCE_MS) {
    this.#monotonic = monotonic;
    this.#silenceMs = silenceMs;
    this.#lookedAt = monotonic();
  }

  starting(worker: Worker): void {
    this.#beats.set(worker, { limitMs: START_SILENCE_MS, heardAt: this.#monotonic() });
  }

  serving(worker: Worker): void {
    this.#beats.set(worker, { limitMs: this.#silenceMs, heardAt: this.#monotonic() });
  }

  heard(worker: Worker): void {
    const beat = this.#beats.get(worker);
    if (beat !== undefined) beat.heardAt = this.#monotonic();
  }

  remove(worker: Worker): void {
    this.#beats.delete(worker);
  }

  /** The workers that hang. To be called every `BEAT_MS`. */
  silent(): readonly SilentWorker<Worker>[] {
    const now = this.#monotonic();
    const wasSuspended = now - this.#lookedAt > OWN_PAUSE_MS;
    this.#lookedAt = now;
    // What the workers sent meanwhile has not been read yet.
    if (wasSuspended) for (const beat of this.#beats.values()) beat.heardAt = now;
    return this.#found(({ limitMs, heardAt }) => now - heardAt >= limitMs);
  }

  /** The workers that have not been heard of since then. */
  silentSince(at: number): readonly SilentWorker<Worker>[] {
    return this.#found(({ heardAt }) => heardAt <= at);
  }

  #found(hangs: (beat: Beat) => boolean): readonly SilentWorker<Worker>[] {
    const now = this.#monotonic();
    return [...this.#beats]
      .filter(([, beat]) => hangs(beat))
      .map(([worker, { heardAt }]) => ({ worker, silentMs: Math.round(now - heardAt) }));
  }
}

export interface SilentWorker<Worker> {
  readonly worker: Worker;
  readonly silentMs: number;
}
