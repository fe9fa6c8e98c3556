import type { Readiness } from './http-endpoint.ts';

export interface ReadinessOptions {
  /** Checks of the dependencies of sign-in, by name. Each must settle within about a second, and rejects on failure. */
  readonly probes: Readonly<Record<string, () => Promise<void>>>;
  /** Time from the end of one check to the start of the next; milliseconds. */
  readonly intervalMs: number;
  /** Called after the first check, and then on each change. */
  readonly onChange: (readiness: Readiness) => void;
}

/** Checks periodically whether sign-in can work. */
export class ReadinessProbe {
  readonly #options: ReadinessOptions;
  #current: Readiness = { ready: false, reasons: ['starting'] };
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  get current(): Readiness {
    return this.#current;
  }

  /** Resolves after the first check. */
  async start(): Promise<void> {
    this.#checking = this.#check();
    await this.#checking;
  }

  /** Stops checking. From now on the service is not ready, with the reason `draining`. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current = { ready: false, reasons: ['draining'] };
    clearTimeout(this.#timer);
    await this.#checking;
  }

  async #check(): Promise<void> {
    const found = await Promise.all(Object.entries(this.#options.probes).map(reasonAgainst));
    if (this.#closed) return;
    const reasons = found.filter((reason) => reason !== undefined);
    const changed = reasons.join() !== this.#current.reasons.join();
    this.#current = { ready: reasons.length === 0, reasons };
    if (changed) this.#options.onChange(this.#current);
    this.#timer = setTimeout(() => {
      this.#checking = this.#check();
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
