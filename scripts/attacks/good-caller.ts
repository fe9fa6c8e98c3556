import { setTimeout as delay } from 'node:timers/promises';
import { IdentityServiceService } from '../../src/gen/latchkey/v1/identity.ts';
import { validateFrame } from '../http2/validate.ts';
import { RawCalls, type Target } from './raw-calls.ts';

const PER_SECOND = 100;
/** The service has recovered once this many consecutive calls were this fast. */
const RECOVERED = { calls: 10, withinMs: 20 };
const RECOVERY_PATIENCE_MS = 60_000;

/** Validates one cached token, with the same token as the caller's own. */
export class GoodCaller {
  readonly #target: Target;
  readonly #headers: { readonly authorization: string };
  readonly #body: Buffer;

  constructor(target: Target, accessToken: string) {
    this.#target = target;
    this.#headers = { authorization: `Bearer ${accessToken}` };
    this.#body = validateFrame(accessToken);
  }

  /**
   * Calls at a constant rate: calls are sent when they are due, so a stall delays every call in it. Returns the
   * duration of each, in milliseconds.
   */
  async validateSteadily(seconds: number): Promise<readonly number[]> {
    const calls = await RawCalls.open(this.#target);
    const asked: Promise<number>[] = [];
    const startedAt = performance.now();
    for (let index = 0; index < PER_SECOND * seconds; index += 1) {
      const dueAt = startedAt + (index / PER_SECOND) * 1_000;
      while (performance.now() < dueAt) await delay(1);
      const answer = this.#time(calls);
      answer.catch(() => undefined);
      asked.push(answer);
    }
    const tookMs = await Promise.all(asked);
    calls.close();
    return tookMs;
  }

  /** Waits until the service has finished the remaining work. */
  async untilRecovered(): Promise<void> {
    const calls = await RawCalls.open(this.#target);
    const until = performance.now() + RECOVERY_PATIENCE_MS;
    for (let quick = 0; quick < RECOVERED.calls; ) {
      quick = (await this.#time(calls)) < RECOVERED.withinMs ? quick + 1 : 0;
      if (performance.now() > until) throw new Error('the service did not recover');
    }
    calls.close();
  }

  async #time(calls: RawCalls): Promise<number> {
    const sentAt = performance.now();
    const code = await calls.send(IdentityServiceService.validate.path, this.#headers, this.#body);
    if (code !== 0) throw new Error(`the good caller was answered with status ${code}`);
    return performance.now() - sentAt;
  }
}
