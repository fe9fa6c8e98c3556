import { describe, expect, test } from '@jest/globals';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';

describe('the telemetry', () => {
  test('tells the operator of logins what callers are not told', () => {
    const lines: string[] = [];
    const { loginReports } = createTelemetry('info', { write: (line) => lines.push(line) });
    loginReports.upgradeFailed('user-1', new Error('the database is down'));
    loginReports.passwordUnreadable('user-2');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'warn', userId: 'user-1' }),
      expect.objectContaining({ level: 'error', userId: 'user-2' }),
    ]);
  });

  test('has a clock that counts from 1970 and one that never jumps', () => {
    const { clock } = createTelemetry('silent');
    expect(clock.now()).toBeGreaterThan(Date.UTC(2025, 0, 1));
    const earlier = clock.monotonic();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(earlier);
  });
});
