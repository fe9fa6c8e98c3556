import { createdAtOf } from '../../validator/session-id.ts';
import type { Revocation } from '../transport/revocation.ts';
import type { Identity } from '../transport/validation.ts';
import { type Admission, type GuardClient, type Refusal, rejection } from './admission.ts';

/** A call in progress whose caller was admitted. */
export interface ActiveCall {
  readonly identity: Identity;
  /** Validates the caller's token again. */
  readonly validateAgain: () => Promise<Admission>;
  /** Ends the call. Must not throw. The next sweep calls it again if the call is still in progress. */
  readonly end: (refusal: Refusal) => void;
}

const SWEEP_INTERVAL_MS = 1_000;

/**
 * The guarded calls in progress. A revocation ends its calls immediately. Once a second, a sweep finds expired tokens,
 * unavailable validation, and the ends of sessions in remote mode.
 */
export class ActiveCalls {
  readonly #byUser = new Map<string, Set<ActiveCall>>();
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(client: GuardClient) {
    if (client.mode !== 'remote') client.onRevocation((revocation) => this.#endAllOf(revocation));
  }

  /** @returns a function that removes the call. Must be called when it is over, for whatever reason. */
  add(call: ActiveCall): () => void {
    const { userId } = call.identity;
    const calls = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, calls.add(call));
    this.#timer ??= setInterval(() => void this.#sweep(), SWEEP_INTERVAL_MS).unref();
    return () => {
      if (calls.delete(call) && calls.size === 0) this.#byUser.delete(userId);
    };
  }

  #endAllOf(revocation: Revocation): void {
    const { reason: endReason } = revocation;
    for (const call of [...(this.#byUser.get(revocation.userId) ?? [])]) {
      if (!hasEnded(call.identity.sessionId, revocation)) continue;
      call.end(rejection({ kind: 'rejected', reason: 'SESSION_ENDED', endReason, nextStep: 'LOGIN' }));
    }
  }

  /** Sweeps do not overlap: the next one starts only after a slow one has finished. */
  async #sweep(): Promise<void> {
    if (this.#byUser.size === 0) {
      // Stops here, not in `add`, so that consecutive calls share a timer.
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#sweeping) return;
    this.#sweeping = true;
    const calls = [...this.#byUser.values()].flatMap((ofUser) => [...ofUser]);
    await Promise.allSettled(calls.map((call) => this.#validateAgain(call)));
    this.#sweeping = false;
  }

  async #validateAgain(call: ActiveCall): Promise<void> {
    const admission = await call.validateAgain();
    const isInProgress = this.#byUser.get(call.identity.userId)?.has(call) ?? false;
    if (isInProgress && admission.kind !== 'admitted') call.end(admission);
  }
}

function hasEnded(sessionId: string, revocation: Revocation): boolean {
  if (revocation.kind === 'session') return revocation.sessionId === sessionId;
  const createdAt = createdAtOf(sessionId);
  return createdAt === undefined || createdAt <= revocation.cutoff.getTime();
}
