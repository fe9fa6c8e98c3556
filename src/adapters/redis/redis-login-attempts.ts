import {
  type Attempt,
  bucketsOf,
  countedNetwork,
  type LoginAttempts,
  type Reservation,
  type TicketAttempt,
} from '../../core/sign-in/login-attempts.ts';
import {
  FIRST_DELAY_MS,
  FORGIVE_MS,
  type LoginLimits,
  MAX_AHEAD_MS,
  maxCounted,
  type WindowLimits,
} from '../../core/sign-in/login-limits.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { RedisClient } from './connection.ts';
import { networkKey, userKeys } from './keys.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { expectOwn, texts } from './session-reply.ts';

export interface RedisLoginAttemptsOptions {
  readonly commands: RedisClient;
  /** Time limit of each operation; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly limits: LoginLimits;
}

const reserveAttempt = new Script('reserve-attempt', ['attempts']);
const giveBackAttempt = new Script('give-back-attempt', ['attempts']);
const reserveNetwork = new Script('reserve-network', []);

const ADMITTED: Reservation = { kind: 'admitted' };

/**
 * Counts attempts in Redis: a hash for each account, in the slot of the user's sessions, and a sorted set for each
 * network. In a cluster they are on different nodes, so an attempt takes two steps: network, then account.
 */
export class RedisLoginAttempts implements LoginAttempts {
  readonly #options: RedisLoginAttemptsOptions;
  readonly #runner: ScriptRunner;

  constructor(options: RedisLoginAttemptsOptions) {
    this.#options = options;
    const { commands: client, deadlineMs, clock } = options;
    this.#runner = new ScriptRunner({ client, deadlineMs, clock });
  }

  reserve(attempt: Attempt): Promise<Reservation> {
    return this.#inTime(async () => {
      const atNetwork = await this.#reserveAtNetwork(attempt);
      if (atNetwork.kind === 'refused') return atNetwork;
      try {
        const atAccount = await this.#reserveAtAccount(attempt);
        if (atAccount.kind === 'refused') await this.#giveBackAtNetwork(attempt);
        return atAccount;
      } catch (error) {
        // In the background: the caller must not wait for a second deadline.
        this.#giveBackAtNetwork(attempt).catch(() => undefined);
        throw error;
      }
    });
  }

  reserveTicket(ticket: TicketAttempt): Promise<Reservation> {
    return this.#inTime(() => this.#reserveInWindow(ticket, ticket.network, this.#options.limits.tickets));
  }

  giveBack(attempt: Attempt): Promise<void> {
    return this.#inTime(async () => {
      await Promise.all([this.#giveBackAtAccount(attempt), this.#giveBackAtNetwork(attempt)]);
    });
  }

  lift(userId: string): Promise<void> {
    return this.#inTime(async () => {
      await this.#options.commands.del(userKeys(userId).attempts);
    });
  }

  async #reserveAtNetwork(attempt: Attempt): Promise<Reservation> {
    const network = countedNetwork(attempt);
    if (network === undefined) return ADMITTED;
    return this.#reserveInWindow(attempt, network, this.#options.limits.network);
  }

  async #reserveInWindow(
    counted: Pick<Attempt, 'id' | 'now'>,
    network: string,
    { maxFailures, windowMs }: WindowLimits,
  ): Promise<Reservation> {
    const args = [counted.id, counted.now, windowMs, maxFailures];
    return reservationOf(counted, await this.#runner.run(reserveNetwork, [networkKey(network)], args));
  }

  async #reserveAtAccount(attempt: Attempt): Promise<Reservation> {
    const buckets = bucketsOf(attempt, this.#options.limits).flatMap((bucket) => [
      bucket.name,
      bucket.freeFailures,
      bucket.maxDelayMs,
      maxCounted(bucket),
    ]);
    const reply = await this.#runner.run(
      reserveAttempt,
      [userKeys(attempt.userId).attempts],
      [attempt.id, attempt.now, FORGIVE_MS, FIRST_DELAY_MS, MAX_AHEAD_MS, ...buckets],
    );
    return reservationOf(attempt, reply);
  }

  async #giveBackAtAccount(attempt: Attempt): Promise<void> {
    const names = bucketsOf(attempt, this.#options.limits).map(({ name }) => name);
    const keys = [userKeys(attempt.userId).attempts];
    await this.#runner.run(giveBackAttempt, keys, [attempt.id, attempt.now, FORGIVE_MS, ...names]);
  }

  /** Not a script with a deadline: the id is unique, so a late removal does no harm. */
  async #giveBackAtNetwork(attempt: Attempt): Promise<void> {
    const network = countedNetwork(attempt);
    if (network !== undefined) await this.#options.commands.zrem(networkKey(network), attempt.id);
  }

  #inTime<T>(operation: () => Promise<T>): Promise<T> {
    return answerInTime('sessions', this.#options.deadlineMs, operation);
  }
}

function reservationOf({ id }: Pick<Attempt, 'id'>, reply: unknown): Reservation {
  const [answered, wait] = texts(reply);
  expectOwn(id, answered);
  const retryAfterMs = Number(wait);
  return retryAfterMs > 0 ? { kind: 'refused', retryAfterMs } : ADMITTED;
}
