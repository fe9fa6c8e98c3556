import { decideTake, type ExternalFlow, type TakeOutcome } from '../../core/sign-in/external-flow.ts';
import type { ExternalFlowStore } from '../../core/sign-in/external-flow-store.ts';
import type { ProviderAccount } from '../../core/sign-in/identity-provider.ts';

/** Minimum time between two removals of expired flows; milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;

/** Stores flows to identity providers in memory. Each method runs without interruption, so it is an atomic step. */
export class MemoryExternalFlowStore implements ExternalFlowStore {
  readonly #flows = new Map<string, ExternalFlow>();
  /** User ids by flow id. */
  readonly #bound = new Map<string, string>();
  #sweptAt = 0;

  get size(): number {
    return this.#flows.size;
  }

  async create(flow: ExternalFlow, now: number): Promise<void> {
    this.#sweep(now);
    this.#flows.set(flow.flowId, flow);
  }

  async take(flowId: string, secretHash: string, sessionId: string, now: number): Promise<TakeOutcome> {
    const outcome = decideTake(this.#flows.get(flowId), secretHash, sessionId, now);
    if (outcome.kind === 'taken') this.#flows.set(flowId, outcome.flow);
    return outcome;
  }

  async settle(flowId: string, account: ProviderAccount | undefined): Promise<void> {
    const flow = this.#flows.get(flowId);
    if (flow?.state !== 'TAKEN') return;
    this.#flows.set(flowId, { ...flow, state: account === undefined ? 'FAILED' : 'IDENTIFIED', account });
  }

  async bind(flowId: string, userId: string): Promise<string> {
    if (!this.#flows.has(flowId)) return '';
    const bound = this.#bound.get(flowId) ?? userId;
    this.#bound.set(flowId, bound);
    return bound;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    for (const [flowId, { expiresAt }] of this.#flows) {
      if (now < expiresAt) continue;
      this.#flows.delete(flowId);
      this.#bound.delete(flowId);
    }
  }
}
