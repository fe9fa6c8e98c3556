import { DeviceTokens } from '../../src/core/sign-in/device-token.ts';
import {
  type Attempt,
  type LoginAttempts,
  UNLIMITED_ATTEMPTS,
} from '../../src/core/sign-in/login-attempts.ts';
import { LoginThrottle } from '../../src/core/sign-in/login-throttle.ts';
import { ManualClock } from './manual-clock.ts';
import { ids } from './sessions.ts';

/** A throttle under one key. */
export function throttleOf(attempts: LoginAttempts, clock = new ManualClock()): LoginThrottle {
  return new LoginThrottle({ attempts, hashKey: Buffer.alloc(32, 9), clock, ids });
}

/** Device tokens under one key. */
export function deviceTokens(clock = new ManualClock()): DeviceTokens {
  return new DeviceTokens({ macKeys: [Buffer.alloc(32, 7)], clock, ids });
}

export const UNTHROTTLED = throttleOf(UNLIMITED_ATTEMPTS);

/** An attempt at an account of its own, from a network of its own, unless told otherwise. */
export function anAttempt(now: number, given: Partial<Attempt> = {}): Attempt {
  const id = ids.next(now);
  return { id, userId: ids.next(now), network: `network of ${id}`, deviceId: undefined, now, ...given };
}

/** Makes an attempt. Returns `in`, or the milliseconds to wait. */
export async function reserved(attempts: LoginAttempts, attempt: Attempt): Promise<'in' | number> {
  const reservation = await attempts.reserve(attempt);
  return reservation.kind === 'admitted' ? 'in' : reservation.retryAfterMs;
}
