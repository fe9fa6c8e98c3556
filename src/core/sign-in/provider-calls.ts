import { providerUnavailable } from './identity-provider.ts';

export interface ProviderCallLimits {
  /** Calls in progress at the same time; further ones fail at once. */
  readonly maxCalls: number;
  /** How long one call may take; milliseconds. */
  readonly timeoutMs: number;
}

/** A call ends this long before its caller's deadline; milliseconds. */
const LEAD_MS = 300;

/**
 * Bounds the calls to one provider in number and time. A provider that hangs uses up its own limit only.
 *
 * A call keeps its place until it has really ended, also after its caller got an error.
 */
export class ProviderCalls {
  readonly #limits: ProviderCallLimits;
  #running = 0;

  constructor(limits: ProviderCallLimits) {
    this.#limits = limits;
  }

  /**
   * Fails with PROVIDER_UNAVAILABLE at the limit of calls or when the time is over; otherwise like `call`.
   *
   * @param remainingMs until the caller's deadline; Infinity: it has none.
   */
  async run<Result>(remainingMs: number, call: () => Promise<Result>): Promise<Result> {
    const { maxCalls, timeoutMs } = this.#limits;
    const limitMs = Math.min(timeoutMs, remainingMs - LEAD_MS);
    if (limitMs <= 0) throw providerUnavailable(new Error('the caller leaves no time to ask the provider'));
    if (this.#running >= maxCalls) throw providerUnavailable(new Error(`${maxCalls} calls are in progress`));
    this.#running += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`no answer within ${limitMs} ms`);
      timer = setTimeout(() => reject(providerUnavailable(error)), limitMs);
    });
    const ended = call().finally(() => {
      this.#running -= 1;
    });
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
