import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  byNewestFirst,
  isRemovalDue,
  isRotationDue,
  type KeyPolicy,
  type KeyState,
  lifecyclesAt,
  successorSignsFrom,
} from '../../src/core/keys/key-lifecycle.ts';
import type { StoredSigningKey } from '../../src/core/keys/signing-key.ts';
import { DAY, MINUTE } from '../support/sessions.ts';
import { aStoredKey } from '../support/stored-keys.ts';

const T0 = Date.UTC(2026, 0, 1);
const TOKEN_LIFE = 15 * MINUTE;
const policy: KeyPolicy = {
  algorithm: 'EdDSA',
  rotationMs: 30 * DAY,
  publishLeadMs: 10 * MINUTE,
  retentionMs: TOKEN_LIFE + MINUTE,
};

const statesAt = (keys: readonly StoredSigningKey[], now: number) =>
  lifecyclesAt(keys, policy, now).map(({ key, state }) => `${key.keyId} ${state}`);

describe('the lifecycle of keys', () => {
  const first = aStoredKey('first', T0);
  const second = aStoredKey('second', T0 + 30 * DAY);
  const takeover = second.signsFrom;

  test('is published, signing, retiring, expired, each from its start time on', () => {
    const keys = [second, first];
    expect(statesAt(keys, takeover - 1)).toEqual(['second PUBLISHED', 'first SIGNING']);
    expect(statesAt(keys, takeover)).toEqual(['second SIGNING', 'first RETIRING']);
    expect(statesAt(keys, takeover + policy.retentionMs - 1)).toEqual(['second SIGNING', 'first RETIRING']);
    expect(statesAt(keys, takeover + policy.retentionMs)).toEqual(['second SIGNING', 'first EXPIRED']);
  });

  test('states until when a key signs and is published, once it has a successor', () => {
    const [newest, older] = lifecyclesAt([second, first], policy, T0);
    expect([newest?.signsUntil, newest?.publishedUntil]).toEqual([undefined, undefined]);
    expect([older?.signsUntil, older?.publishedUntil]).toEqual([takeover, takeover + policy.retentionMs]);
  });

  test('has a signing key even if this clock is behind the one that created the first key', () => {
    expect(statesAt([second, first], T0 - MINUTE)).toEqual(['second PUBLISHED', 'first SIGNING']);
    expect(statesAt([], T0)).toEqual([]);
  });

  test('skips a key whose successor starts at the same time', () => {
    const keys = [aStoredKey('b', T0), aStoredKey('a', T0)].sort(byNewestFirst);
    expect(statesAt(keys, T0)).toEqual(['b SIGNING', 'a RETIRING']);
  });

  test('removes a key a day after it was last published, and never the newest', () => {
    const published = takeover + policy.retentionMs;
    const due = (now: number) =>
      lifecyclesAt([second, first], policy, now).map((life) => isRemovalDue(life, now));
    expect(due(published + DAY - 1)).toEqual([false, false]);
    expect(due(published + DAY)).toEqual([false, true]);
  });
});

describe('rotation', () => {
  const newest = aStoredKey('newest', T0);

  test('is due early enough to publish the successor long enough before the key expires', () => {
    const due = T0 + policy.rotationMs - policy.publishLeadMs;
    expect([isRotationDue(newest, policy, due - 1), isRotationDue(newest, policy, due)]).toEqual([
      false,
      true,
    ]);
    expect(successorSignsFrom(newest, policy, due)).toBe(T0 + policy.rotationMs);
  });

  test('is due for a new algorithm once the newest key signs', () => {
    const other = { ...policy, algorithm: 'ES256' as const };
    expect([isRotationDue(newest, other, T0 - 1), isRotationDue(newest, other, T0)]).toEqual([false, true]);
  });

  test('publishes every key but the first before it signs', () => {
    expect(successorSignsFrom(undefined, policy, T0)).toBe(T0);
    expect(successorSignsFrom(newest, policy, T0 + DAY)).toBe(T0 + DAY + policy.publishLeadMs);
  });

  test('never starts a key before its predecessor, even if this clock is behind', () => {
    expect(successorSignsFrom(newest, policy, T0 - DAY)).toBe(T0 + 1);
  });

  test('at any time, processes with recent lists choose the same signing key, which is published while its tokens are valid', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 * DAY }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 200 * DAY }),
        fc.integer({ min: 0, max: policy.publishLeadMs - 1 }),
        (pauses, after, readBefore) => {
          const keys = rotatedAfter(pauses);
          expect([...keys].sort(byNewestFirst)).toEqual(keys);

          const issuedAt = T0 + after;
          const read = keys.filter(({ createdAt }) => createdAt <= Math.max(T0, issuedAt - readBefore));
          const signing = idsOf(read, issuedAt, ['SIGNING']);
          expect(signing).toHaveLength(1);
          expect(signing).toEqual(idsOf(keys, issuedAt, ['SIGNING']));
          const published = idsOf(keys, issuedAt + TOKEN_LIFE, ['PUBLISHED', 'SIGNING', 'RETIRING']);
          expect(published).toEqual(expect.arrayContaining(signing));
        },
      ),
    );
  });
});

/** Keys of rotations by command: the first is created at `T0` and each next one after a pause. */
function rotatedAfter(pauses: readonly number[]): readonly StoredSigningKey[] {
  let keys: readonly StoredSigningKey[] = [aStoredKey('key-0', T0)];
  let now = T0;
  for (const [index, pause] of pauses.entries()) {
    now += pause;
    const signsFrom = successorSignsFrom(keys[0], policy, now);
    keys = [aStoredKey(`key-${index + 1}`, signsFrom, { createdAt: now }), ...keys];
  }
  return keys;
}

function idsOf(keys: readonly StoredSigningKey[], now: number, states: readonly KeyState[]): string[] {
  return lifecyclesAt(keys, policy, now)
    .filter(({ state }) => states.includes(state))
    .map(({ key }) => key.keyId);
}
