import { createHmac } from 'node:crypto';
import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import type { Attempt, LoginAttempts } from './login-attempts.ts';

export interface LoginThrottleOptions {
  readonly attempts: LoginAttempts;
  /** Hashes networks, so that the store holds no address. */
  readonly hashKey: Buffer;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
}

/** Characters of a network's hash: 132 bits. */
const HASH_LENGTH = 22;

/** Limits sign-in attempts. Counts each one before its password is checked. */
export class LoginThrottle {
  readonly #options: LoginThrottleOptions;

  constructor(options: LoginThrottleOptions) {
    this.#options = options;
  }

  /**
   * Counts the attempt as failed. Fails with TOO_MANY_ATTEMPTS and with STORE_UNAVAILABLE; the password must not be
   * checked then.
   *
   * @param network the caller's network; empty: unknown, or shared by many people.
   */
  async reserve(userId: string, network: string, deviceId: string | undefined): Promise<Attempt> {
    const { attempts, clock, ids } = this.#options;
    const now = clock.now();
    const hashed = network === '' ? undefined : this.#hashOf(network);
    const attempt: Attempt = { id: ids.next(now), userId, network: hashed, deviceId, now };
    const reservation = await attempts.reserve(attempt);
    if (reservation.kind === 'admitted') return attempt;
    throw new Failure('TOO_MANY_ATTEMPTS', 'Too many sign-ins failed; try again later.', {
      retryAfterMs: reservation.retryAfterMs,
    });
  }

  /**
   * Counts a new QR ticket. Fails with TOO_MANY_ATTEMPTS and with STORE_UNAVAILABLE.
   *
   * @param network the asker's network; empty: unknown, or shared by many people.
   */
  reserveTicket(network: string): Promise<void> {
    return this.#reserveRoom(
      'tickets',
      network,
      'Too many QR codes were made at this address; try again later.',
    );
  }

  /** Counts a new flow to an identity provider, apart from QR tickets; otherwise as `reserveTicket`. */
  reserveFlow(network: string): Promise<void> {
    return this.#reserveRoom(
      'flows',
      network,
      'Too many sign-ins were begun at this address; try again later.',
    );
  }

  /** @param what is counted: tickets and flows of one network have separate limits. */
  async #reserveRoom(what: 'tickets' | 'flows', network: string, refusal: string): Promise<void> {
    if (network === '') return;
    const { attempts, clock, ids } = this.#options;
    const now = clock.now();
    const counted = { id: ids.next(now), network: this.#hashOf(`${what} of ${network}`), now };
    const { kind, ...refused } = await attempts.reserveTicket(counted);
    if (kind === 'refused') throw new Failure('TOO_MANY_ATTEMPTS', refusal, refused);
  }

  /** Never fails. If the store does not answer, the attempt counts as failed and is forgiven in time. */
  async giveBack(attempt: Attempt): Promise<void> {
    const { attempts, clock } = this.#options;
    await attempts.giveBack({ ...attempt, now: clock.now() }).catch(() => undefined);
  }

  #hashOf(network: string): string {
    return createHmac('sha256', this.#options.hashKey)
      .update(network)
      .digest('base64url')
      .slice(0, HASH_LENGTH);
  }
}

/**
 * Gives the attempt back after the work, because the password was right. Keeps it counted if the work fails with an
 * error that a wrong password gets too: otherwise the count would reveal which it was.
 */
export async function givingBack<Result>(
  throttle: Pick<LoginThrottle, 'giveBack'>,
  attempt: Attempt,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await work();
    await throttle.giveBack(attempt);
    return result;
  } catch (error) {
    if (!isLikeWrongPassword(error)) await throttle.giveBack(attempt);
    throw error;
  }
}

/** Whether a wrong password gets this error too. */
function isLikeWrongPassword(error: unknown): boolean {
  const reason = error instanceof Failure ? error.reason : undefined;
  return reason === 'INVALID_CREDENTIALS' || reason === 'STORE_UNAVAILABLE';
}
