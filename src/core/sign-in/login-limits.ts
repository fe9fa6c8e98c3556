/** Limits of one bucket of failed attempts. */
export interface BucketLimits {
  /** Failed attempts before the first delay. */
  readonly freeFailures: number;
  /** The longest delay; milliseconds. Bounds what an attacker can do to the owner of an account. */
  readonly maxDelayMs: number;
}

/** Limits of what one network may do in a sliding window. */
export interface WindowLimits {
  /** Failed attempts at all accounts together, QR tickets, or flows. */
  readonly maxFailures: number;
  readonly windowMs: number;
}

/** The limits of sign-in attempts. */
export interface LoginLimits {
  /** One account, from anywhere. */
  readonly account: BucketLimits;
  /** One account, from one network. */
  readonly accountAtNetwork: BucketLimits;
  /** One account, from one device that signed in before. */
  readonly device: BucketLimits;
  /** One network, over all accounts. */
  readonly network: WindowLimits;
  /** QR tickets of one network, and flows of one network. They are no failures, but each takes room in the store. */
  readonly tickets: WindowLimits;
}

/**
 * The failed attempts of one bucket. Each attempt moves `forgivenAt` by `FORGIVE_MS`, so its distance from now is the
 * number of failures that still count.
 */
export interface Bucket {
  /** When no failure counts any more; milliseconds since 1970. */
  readonly forgivenAt: number;
  /** The last attempt; milliseconds since 1970. */
  readonly lastAt: number;
}

export type Decision =
  /** The bucket with the attempt, which counts as failed. */
  | { readonly kind: 'admit'; readonly bucket: Bucket }
  | { readonly kind: 'wait'; readonly retryAfterMs: number };

/** The first delay; each further failure doubles it. Milliseconds. */
export const FIRST_DELAY_MS = 1_000;
/** One failed attempt is forgiven in this time, whatever happens meanwhile. Milliseconds. */
export const FORGIVE_MS = 600_000;
/** Upper bound of the difference between two servers' clocks. A last attempt further in the future is ignored. */
export const MAX_AHEAD_MS = 5_000;

/**
 * The account's own delay is short, so that guesses from many addresses cannot keep its owner out. Fewer than 100
 * failures in a row are free of delay (NIST SP 800-63B-4, section 3.2.2).
 */
const BUCKETS = {
  account: { freeFailures: 50, maxDelayMs: 30_000 },
  accountAtNetwork: { freeFailures: 10, maxDelayMs: 300_000 },
  device: { freeFailures: 10, maxDelayMs: 300_000 },
} as const;

/** Where many people share an address, both limits must be higher. So one variable sets both. */
const TICKETS_FOR_EACH_FAILURE = 2;

/** @param failuresPerNetwork failed attempts of one network in a minute. */
export function loginLimits(failuresPerNetwork: number): LoginLimits {
  const windowMs = 60_000;
  return {
    ...BUCKETS,
    network: { maxFailures: failuresPerNetwork, windowMs },
    tickets: { maxFailures: TICKETS_FOR_EACH_FAILURE * failuresPerNetwork, windowMs },
  };
}

/**
 * Whether an attempt may check a password now. An admitted attempt counts as failed until `withoutAttempt`, so attempts
 * at the same time cannot all pass. `reserve-attempt.lua` implements the same rule.
 */
export function decideAttempt(bucket: Bucket | undefined, limits: BucketLimits, now: number): Decision {
  const max = maxCounted(limits);
  const counted = Math.min(failuresOf(bucket, now), max);
  const lastAt = bucket === undefined || bucket.lastAt > now + MAX_AHEAD_MS ? 0 : bucket.lastAt;
  const retryAfterMs = lastAt + delayAfter(counted, limits) - now;
  if (counted >= limits.freeFailures && retryAfterMs > 0) return { kind: 'wait', retryAfterMs };
  const from = Math.min(Math.max(bucket?.forgivenAt ?? 0, now), now + (max - 1) * FORGIVE_MS);
  return { kind: 'admit', bucket: { forgivenAt: from + FORGIVE_MS, lastAt: Math.max(lastAt, now) } };
}

/** The bucket without one attempt, which was given back; undefined: the bucket is empty. */
export function withoutAttempt({ forgivenAt, lastAt }: Bucket, now: number): Bucket | undefined {
  const before = forgivenAt - FORGIVE_MS;
  return before > now ? { forgivenAt: before, lastAt } : undefined;
}

/** Failures that still count. */
function failuresOf(bucket: Bucket | undefined, now: number): number {
  return bucket === undefined ? 0 : Math.ceil(Math.max(0, bucket.forgivenAt - now) / FORGIVE_MS);
}

/** How long the next attempt must wait after the last one; milliseconds. */
function delayAfter(failures: number, { freeFailures, maxDelayMs }: BucketLimits): number {
  return failures < freeFailures ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (failures - freeFailures), maxDelayMs);
}

/** Failures beyond those that cause the longest delay are not counted, so that a bucket recovers in hours. */
export function maxCounted({ freeFailures, maxDelayMs }: BucketLimits): number {
  return freeFailures + Math.ceil(Math.log2(maxDelayMs / FIRST_DELAY_MS));
}
