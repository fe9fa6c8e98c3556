import type { SigningAlgorithm, StoredSigningKey } from './signing-key.ts';

/** Key durations in milliseconds, and the algorithm of new keys. */
export interface KeyPolicy {
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs before its successor takes over. */
  readonly rotationMs: number;
  /** How long a key is published before it signs. Must be longer than any verifier caches the keys. */
  readonly publishLeadMs: number;
  /** How long a key stays published after it last signed: the access token lifetime plus clock skew. */
  readonly retentionMs: number;
}

/**
 * PUBLISHED -> SIGNING -> RETIRING -> EXPIRED. Depends only on time: the key's `signsFrom`, its successor's, and the
 * policy. EXPIRED: no live token was signed with the key, and it is no longer published.
 */
export type KeyState = 'PUBLISHED' | 'SIGNING' | 'RETIRING' | 'EXPIRED';

/** A stored key and its state. */
export interface KeyLifecycle {
  readonly key: StoredSigningKey;
  readonly state: KeyState;
  /** When its successor takes over; undefined: it has none. */
  readonly signsUntil: number | undefined;
  /** When it is no longer published; undefined: it has no successor. */
  readonly publishedUntil: number | undefined;
}

type KeyOrder = Pick<StoredSigningKey, 'signsFrom' | 'keyId'>;

/** Sorts keys newest first, so each key comes right before its predecessor. */
export function byNewestFirst(a: KeyOrder, b: KeyOrder): number {
  if (a.signsFrom !== b.signsFrom) return b.signsFrom - a.signsFrom;
  if (a.keyId === b.keyId) return 0;
  return a.keyId < b.keyId ? 1 : -1;
}

/**
 * The states of the keys at `now`, newest first like the input. Exactly one key signs: the newest whose `signsFrom` has
 * passed. If there is none, because the clock of this machine is behind, the oldest key signs.
 */
export function lifecyclesAt(
  newestFirst: readonly StoredSigningKey[],
  policy: KeyPolicy,
  now: number,
): readonly KeyLifecycle[] {
  const newestDue = newestFirst.findIndex(({ signsFrom }) => signsFrom <= now);
  const signing = newestDue === -1 ? newestFirst.length - 1 : newestDue;
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
 * Whether the newest key needs a successor: its time is nearly over, or the configured algorithm differs. The latter
 * counts only once the key signs. So processes with different algorithms add one key per publish lead, not per check.
 */
export function isRotationDue(newest: StoredSigningKey, policy: KeyPolicy, now: number): boolean {
  const endsSoon = newest.signsFrom + policy.rotationMs - policy.publishLeadMs <= now;
  return endsSoon || (newest.algorithm !== policy.algorithm && newest.signsFrom <= now);
}

/** A day: a process whose clock is wrong by less cannot remove a key that others need. */
const REMOVAL_DELAY_MS = 24 * 60 * 60 * 1_000;

/** Whether the stored key can be removed; it must have been unpublished for `REMOVAL_DELAY_MS`. */
export function isRemovalDue({ publishedUntil }: KeyLifecycle, now: number): boolean {
  return publishedUntil !== undefined && publishedUntil + REMOVAL_DELAY_MS <= now;
}

/**
 * When a key created at `now` starts to sign. The first key signs at once. A successor is published first, and never
 * signs before its predecessor.
 */
export function successorSignsFrom(
  newest: StoredSigningKey | undefined,
  policy: KeyPolicy,
  now: number,
): number {
  return newest === undefined ? now : Math.max(now + policy.publishLeadMs, newest.signsFrom + 1);
}
