import type { Revocation } from '../validator/revocation-set.ts';
import { createdAtOf } from '../validator/session-id.ts';
import { type Admission, type GuardClient, type Refusal, rejection } from './admission.ts';
import type { EndReasonName, Identity } from './validation.ts';

/** A call under way whose caller was admitted. */
export interface HeldCall {
  readonly identity: Identity;
  /** Judges the caller again. */
  readonly judgeAgain: () => Promise<Admission>;
  /** Ends the call. Must not throw. Asked again at the next sweep if the call is still held. */
  readonly end: (refusal: Refusal) => void;
}

const SWEEP_INTERVAL_MS = 1_000;

/**
 * The guarded calls under way. Each ends at once when the ending of its session is heard; what is not heard as
 * an ending (the token expires, nobody can say any more, a client in remote mode) is found out once a second.
 */
export class HeldCalls {
  readonly #byUser = new Map<string, Set<HeldCall>>();
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(client: GuardClient) {
    if (client.mode !== 'remote') client.onEnding((revocation) => this.#endAllOf(revocation));
  }

  /** @returns lets go of the call; to be called when it is over, however it ended. */
  hold(call: HeldCall): () => void {
    const { userId } = call.identity;
    const calls = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, calls.add(call));
    this.#timer ??= setInterval(() => void this.#sweep(), SWEEP_INTERVAL_MS).unref();
    return () => {
      if (calls.delete(call) && calls.size === 0) this.#byUser.delete(userId);
    };
  }

  #endAllOf(revocation: Revocation): void {
    const endReason = revocation.reason as EndReasonName;
    for (const call of [...(this.#byUser.get(revocation.userId) ?? [])]) {
      if (!hasEnded(call.identity.sessionId, revocation)) continue;
      call.end(rejection({ kind: 'rejected', reason: 'SESSION_ENDED', endReason, nextStep: 'LOGIN' }));
    }
  }

  /** One at a time: a slow round of questions is not followed by another before it is answered. */
  async #sweep(): Promise<void> {
    if (this.#byUser.size === 0) {
      // Here and not in `hold`: calls that come and go one by one share a timer.
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#sweeping) return;
    this.#sweeping = true;
    const calls = [...this.#byUser.values()].flatMap((ofUser) => [...ofUser]);
    await Promise.allSettled(calls.map((call) => this.#judgeAgain(call)));
    this.#sweeping = false;
  }

  async #judgeAgain(call: HeldCall): Promise<void> {
    const admission = await call.judgeAgain();
    const isHeld = this.#byUser.get(call.identity.userId)?.has(call) ?? false;
    if (isHeld && admission.kind !== 'admitted') call.end(admission);
  }
}

function hasEnded(sessionId: string, revocation: Revocation): boolean {
  if (revocation.kind === 'session') return revocation.sessionId === sessionId;
  const createdAt = createdAtOf(sessionId);
  return createdAt === undefined || createdAt <= revocation.cutoff;
}
