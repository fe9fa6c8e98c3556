import {
  type Attempt,
  bucketsOf,
  countedNetwork,
  type LoginAttempts,
  type Reservation,
  type TicketAttempt,
} from '../../core/sign-in/login-attempts.ts';
import {
  type Bucket,
  decideAttempt,
  type LoginLimits,
  type WindowLimits,
  withoutAttempt,
} from '../../core/sign-in/login-limits.ts';

/** Minimum time between two removals of what no longer counts; milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;

/** Counts attempts in memory. Each method runs without interruption, so it is an atomic step. */
export class MemoryLoginAttempts implements LoginAttempts {
  readonly #limits: LoginLimits;
  /** By user id, then by the bucket's name. */
  readonly #accounts = new Map<string, Map<string, Bucket>>();
  /** By network: times of attempts by their id. */
  readonly #networks = new Map<string, Map<string, number>>();
  #sweptAt = 0;

  constructor(limits: LoginLimits) {
    this.#limits = limits;
  }

  async reserve(attempt: Attempt): Promise<Reservation> {
    this.#sweep(attempt.now);
    const network = countedNetwork(attempt);
    const waitMs = network === undefined ? 0 : this.#windowWaitMs(network, attempt.now, this.#limits.network);
    if (waitMs > 0) return { kind: 'refused', retryAfterMs: waitMs };
    const buckets = this.#accounts.get(attempt.userId) ?? new Map<string, Bucket>();
    const decided = bucketsOf(attempt, this.#limits).map(
      (named) => [named.name, decideAttempt(buckets.get(named.name), named, attempt.now)] as const,
    );
    const waits = decided.map(([, decision]) => (decision.kind === 'wait' ? decision.retryAfterMs : 0));
    const retryAfterMs = Math.max(...waits);
    if (retryAfterMs > 0) return { kind: 'refused', retryAfterMs };
    for (const [name, decision] of decided) {
      if (decision.kind === 'admit') buckets.set(name, decision.bucket);
    }
    this.#accounts.set(attempt.userId, buckets);
    if (network !== undefined) this.#countAt(network, attempt);
    return { kind: 'admitted' };
  }

  async reserveTicket(ticket: TicketAttempt): Promise<Reservation> {
    this.#sweep(ticket.now);
    const waitMs = this.#windowWaitMs(ticket.network, ticket.now, this.#limits.tickets);
    if (waitMs > 0) return { kind: 'refused', retryAfterMs: waitMs };
    this.#countAt(ticket.network, ticket);
    return { kind: 'admitted' };
  }

  async giveBack(attempt: Attempt): Promise<void> {
    const buckets = this.#accounts.get(attempt.userId);
    for (const { name } of bucketsOf(attempt, this.#limits)) {
      const bucket = buckets?.get(name);
      if (bucket === undefined) continue;
      const rest = withoutAttempt(bucket, attempt.now);
      if (rest === undefined) buckets?.delete(name);
      else buckets?.set(name, rest);
    }
    const network = countedNetwork(attempt);
    if (network !== undefined) this.#networks.get(network)?.delete(attempt.id);
  }

  async lift(userId: string): Promise<void> {
    this.#accounts.delete(userId);
  }

  /** How long until one attempt of the network leaves the window. 0: there is room. */
  #windowWaitMs(network: string, now: number, { maxFailures, windowMs }: WindowLimits): number {
    const held = this.#networks.get(network);
    if (held === undefined) return 0;
    dropUntil(held, now - windowMs);
    const times = [...held.values()].sort((a, b) => a - b);
    const leaving = times[times.length - maxFailures];
    return leaving === undefined ? 0 : leaving + windowMs - now;
  }

  #countAt(network: string, { id, now }: Pick<Attempt, 'id' | 'now'>): void {
    const times = this.#networks.get(network) ?? new Map<string, number>();
    this.#networks.set(network, times.set(id, now));
  }

  /** Keeps what no longer counts for a while, because the clock may be set back. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    const until = now - SWEEP_INTERVAL_MS;
    for (const [userId, buckets] of this.#accounts) {
      for (const [name, { forgivenAt }] of buckets) if (forgivenAt <= until) buckets.delete(name);
      if (buckets.size === 0) this.#accounts.delete(userId);
    }
    for (const [network, times] of this.#networks) {
      dropUntil(times, until - this.#limits.network.windowMs);
      if (times.size === 0) this.#networks.delete(network);
    }
  }
}

function dropUntil(times: Map<string, number>, last: number): void {
  for (const [id, at] of times) if (at <= last) times.delete(id);
}
