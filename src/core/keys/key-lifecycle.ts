import type { SigningAlgorithm, StoredSigningKey } from './signing-key.ts';

/** The durations that rule the keys, in milliseconds, and what new keys are. */
export interface KeyPolicy {
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs before its successor takes over. */
  readonly rotationMs: number;
  /** How long a key is published before it signs: more than any verifier keeps its copy of the keys. */
  readonly publishLeadMs: number;
  /** How long a key stays published after it signed last: the life of an access token, and clock skew. */
  readonly retentionMs: number;
}

/**
 * PUBLISHED -> SIGNING -> RETIRING -> EXPIRED, by time alone: a key's own `signsFrom`, its successor's, and the
 * policy. EXPIRED: no living token was signed with it, and it is published no more.
 */
export type KeyState = 'PUBLISHED' | 'SIGNING' | 'RETIRING' | 'EXPIRED';

/** A stored key and where it is in its life. */
export interface KeyLife {
  readonly key: StoredSigningKey;
  readonly state: KeyState;
  /** When its successor takes over; undefined: it has none. */
  readonly signsUntil: number | undefined;
  /** When it is published no more; undefined: it has no successor. */
  readonly publishedUntil: number | undefined;
}

type KeyOrder = Pick<StoredSigningKey, 'signsFrom' | 'keyId'>;

/** Sorts keys newest first: the order in which each key is followed by the one it succeeds. */
export function byNewestFirst(a: KeyOrder, b: KeyOrder): number {
  if (a.signsFrom !== b.signsFrom) return b.signsFrom - a.signsFrom;
  if (a.keyId === b.keyId) return 0;
  return a.keyId < b.keyId ? 1 : -1;
}

/**
 * The lives of the keys at `now`, newest first as they are given. One key signs at any time: the newest whose
 * `signsFrom` has come, or the oldest of all, where this machine's clock is behind the one that made it.
 */
export function livesAt(
  newestFirst: readonly StoredSigningKey[],
  policy: KeyPolicy,
  now: number,
): readonly KeyLife[] {
  const come = newestFirst.findIndex(({ signsFrom }) => signsFrom <= now);
  const signing = come === -1 ? newestFirst.length - 1 : come;
  return newestFirst.map((key, index) => {
    const signsUntil = newestFirst[index - 1]?.signsFrom;
    const publishedUntil = signsUntil === undefined ? undefined : signsUntil + policy.retentionMs;
    return { key, state: stateOf(index, signing, publishedUntil, now), signsUntil, publishedUntil };
  });
}

function stateOf(index: number, signing: number, publishedUntil: number | undefined, now: number): KeyState {
  if (index === signing) return 'SIGNING';
  if (index < signing) return 'PUBLISHED';
  return publishedUntil !== undefined && publishedUntil <= now ? 'EXPIRED' : 'RETIRING';
}

/**
 * Whether the newest key needs a successor: its time is nearly over, or keys are to be of another algorithm. The
 * latter only once it signs, so that processes that disagree about the algorithm add a key per lead, not per look.
 */
export function isRotationDue(newest: StoredSigningKey, policy: KeyPolicy, now: number): boolean {
  const endsSoon = newest.signsFrom + policy.rotationMs - policy.publishLeadMs <= now;
  return endsSoon || (newest.algorithm !== policy.algorithm && newest.signsFrom <= now);
}

/** A day: a process whose clock is wrong by less cannot remove a key that others need. */
const REMOVAL_DELAY_MS = 24 * 60 * 60 * 1_000;

/** Whether nobody can need the stored key any more; it has not been published for a while. */
export function isRemovalDue({ publishedUntil }: KeyLife, now: number): boolean {
  return publishedUntil !== undefined && publishedUntil + REMOVAL_DELAY_MS <= now;
}

/**
 * When a key made at `now` begins to sign. The first does at once, for there is nothing else. A successor is
 * published first, and never takes its turn before the one it succeeds.
 */
export function successorSignsFrom(
  newest: StoredSigningKey | undefined,
  policy: KeyPolicy,
  now: number,
): number {
  return newest === undefined ? now : Math.max(now + policy.publishLeadMs, newest.signsFrom + 1);
}
