import type { Readiness } from './http-endpoint.ts';

export interface ReadinessOptions {
  /** What sign-in needs, by name. Each resolves if it works now, within about a second. */
  readonly probes: Readonly<Record<string, () => Promise<void>>>;
  /** From the end of one look to the beginning of the next; milliseconds. */
  readonly intervalMs: number;
  /** Told after the first look, and then when something changed. */
  readonly onChange: (readiness: Readiness) => void;
}

/** Looks again and again whether sign-in can work. */
export class ReadinessProbe {
  readonly #options: ReadinessOptions;
  #current: Readiness = { ready: false, reasons: ['starting'] };
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  get current(): Readiness {
    return this.#current;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    this.#looking = this.#look();
    await this.#looking;
  }

  /** Looks no more. From now on the answer is that the service is about to stop. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current = { ready: false, reasons: ['draining'] };
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const found = await Promise.all(Object.entries(this.#options.probes).map(reasonAgainst));
    if (this.#closed) return;
    const reasons = found.filter((reason) => reason !== undefined);
    const changed = reasons.join() !== this.#current.reasons.join();
    this.#current = { ready: reasons.length === 0, reasons };
    if (changed) this.#options.onChange(this.#current);
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, this.#options.intervalMs);
  }
}

async function reasonAgainst([name, probe]: readonly [string, () => Promise<void>]): Promise<
  string | undefined
> {
  try {
    await probe();
    return undefined;
  } catch {
    return `${name}: no answer`;
  }
}
