import { describe, expect, test } from '@jest/globals';
import { isRevision, later, reaches } from '../../src/validator/revision.ts';
import { type Revocation, RevocationSet } from '../../src/validator/revocation-set.ts';

const session = (sessionId: string, given: Partial<Revocation> = {}): Revocation =>
  ({
    kind: 'session',
    userId: 'u',
    sessionId,
    reason: 'LOGGED_OUT',
    endedAt: 0,
    expiresAt: 100,
    ...given,
  }) as Revocation;
const cutoff = (at: number, reason = 'PASSWORD_CHANGED', expiresAt = 100): Revocation => ({
  kind: 'user',
  userId: 'u',
  cutoff: at,
  reason,
  endedAt: at,
  expiresAt,
});

describe('the revocation set', () => {
  test('contains an ended session and keeps the first reason', () => {
    const set = new RevocationSet();
    expect(set.endReasonOf('u', 's', 0)).toBeUndefined();
    set.add(session('s'));
    set.add(session('s', { reason: 'ENDED_BY_ADMIN' }));
    expect(set.endReasonOf('u', 's', 0)).toBe('LOGGED_OUT');
    expect(set.endReasonOf('u', 'other', 0)).toBeUndefined();
    expect(set.size).toBe(1);
  });

  test('applies a cut-off to sessions created up to it, each with the first reason', () => {
    const set = new RevocationSet();
    set.add(cutoff(20, 'USER_DISABLED'));
    set.add(cutoff(10, 'PASSWORD_CHANGED'));
    set.add(cutoff(10, 'PASSWORD_CHANGED'));
    expect(set.endReasonOf('u', 's', 10)).toBe('PASSWORD_CHANGED');
    expect(set.endReasonOf('u', 's', 11)).toBe('USER_DISABLED');
    expect(set.endReasonOf('u', 's', 21)).toBeUndefined();
    expect(set.endReasonOf('v', 's', 5)).toBeUndefined();
    expect(set.size).toBe(2);
  });

  test('forgets only what no live token can need', () => {
    const set = new RevocationSet();
    for (const [id, expiresAt] of [
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ] as const)
      set.add(session(id, { expiresAt }));
    set.add(cutoff(1, 'RISK', 20));
    set.add(cutoff(2, 'RISK', 30));
    set.forget(20);
    expect(['a', 'b', 'c'].map((id) => set.endReasonOf('x', id, 0))).toEqual([
      undefined,
      undefined,
      'LOGGED_OUT',
    ]);
    expect([...set.entries()]).toEqual([session('c', { expiresAt: 30 }), cutoff(2, 'RISK', 30)]);
    set.forget(30);
    expect(set.size).toBe(0);
  });

  test('reports whether it contains an entry', () => {
    const set = new RevocationSet();
    set.add(session('s'));
    set.add(cutoff(5));
    expect(set.has(session('s'))).toBe(true);
    expect(set.has(session('t'))).toBe(false);
    expect(set.has(cutoff(5))).toBe(true);
    expect(set.has(cutoff(6))).toBe(false);
  });
});

describe('revisions', () => {
  test('are ordered by time and then by sequence, as numbers', () => {
    expect(reaches('1000-0', '999-9')).toBe(true);
    expect(reaches('1000-10', '1000-9')).toBe(true);
    expect(reaches('1000-9', '1000-10')).toBe(false);
    expect(reaches('1000-9', '1000-9')).toBe(true);
    expect(reaches(undefined, '0-1')).toBe(false);
    expect(later('5-1', '5-0')).toBe('5-1');
    expect(later(undefined, '5-0')).toBe('5-0');
  });

  test('have one canonical form', () => {
    for (const good of ['0-0', '1700000000000-12']) expect(isRevision(good)).toBe(true);
    for (const bad of ['', '1', '1-', '-1', '01-0', '1-0 ', 'x-0', '1-0-0', '99999999999999999-0']) {
      expect(isRevision(bad)).toBe(false);
    }
  });
});
