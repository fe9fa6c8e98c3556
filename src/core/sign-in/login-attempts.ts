import type { BucketLimits, LoginLimits } from './login-limits.ts';

/** One attempt to sign in with a password. */
export interface Attempt {
  /** Unique. */
  readonly id: string;
  /** The user, or the id that stands for an unknown username. */
  readonly userId: string;
  /** A keyed hash of the caller's network. Undefined: no limit applies to the network. */
  readonly network: string | undefined;
  /** The device, if it signed this user in before. It then has a bucket of its own. */
  readonly deviceId: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export type Reservation =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly retryAfterMs: number };

/** A new QR ticket, or a new flow to an identity provider. */
export interface TicketAttempt {
  /** Unique. */
  readonly id: string;
  /** A keyed hash of the caller's network. Differs for tickets, flows and an `Attempt`, so each has a limit of its own. */
  readonly network: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Counts failed attempts to sign in, QR tickets, and flows to identity providers.
 *
 * Law:
 * - An admitted attempt counts as failed until it is given back. So no more attempts are admitted at the same time than
 *   one after the other.
 * - A refused attempt counts nowhere.
 * - `decideAttempt` is the rule for each bucket of `bucketsOf`. An attempt is admitted only if all of them admit it.
 *   In addition, at most `network.maxFailures` attempts of one network are counted in any window.
 * - An attempt of a known device changes and reads only the bucket of that device.
 * - Of one network, at most `tickets.maxFailures` QR tickets are admitted in any window, and as many flows.
 * - A call that fails may have counted the attempt.
 */
export interface LoginAttempts {
  /** Fails with STORE_UNAVAILABLE. */
  reserve(attempt: Attempt): Promise<Reservation>;
  /** Fails with STORE_UNAVAILABLE. */
  reserveTicket(ticket: TicketAttempt): Promise<Reservation>;
  /** Undoes a reservation, because the attempt was no guess. Fails with STORE_UNAVAILABLE. */
  giveBack(attempt: Attempt): Promise<void>;
  /** Forgets all failed attempts at an account, including those of its devices. Fails with STORE_UNAVAILABLE. */
  lift(userId: string): Promise<void>;
}

/** Admits every attempt. */
export const UNLIMITED_ATTEMPTS: LoginAttempts = {
  reserve: async () => ({ kind: 'admitted' }),
  reserveTicket: async () => ({ kind: 'admitted' }),
  giveBack: async () => undefined,
  lift: async () => undefined,
};

/** A bucket of an account. The name is unique in the account. */
export interface NamedBucket extends BucketLimits {
  readonly name: string;
}

/** The buckets of its account that an attempt counts in. */
export function bucketsOf({ network, deviceId }: Attempt, limits: LoginLimits): readonly NamedBucket[] {
  if (deviceId !== undefined) return [{ name: `device:${deviceId}`, ...limits.device }];
  const account = { name: 'account', ...limits.account };
  return network === undefined
    ? [account]
    : [account, { name: `network:${network}`, ...limits.accountAtNetwork }];
}

/** The network whose limit over all accounts applies to an attempt. Undefined: none. */
export function countedNetwork({ network, deviceId }: Attempt): string | undefined {
  return deviceId === undefined ? network : undefined;
}
