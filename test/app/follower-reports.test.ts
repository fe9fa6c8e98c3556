import { describe, expect, test } from '@jest/globals';
import { followerReports } from '../../src/app/follower-reports.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MINUTE } from '../support/sessions.ts';

/** The reports of a follower, and the lines that they logged. */
function recorded() {
  const entries: Record<string, unknown>[] = [];
  const clock = new ManualClock();
  const logger = createLogger('debug', { write: (line) => entries.push(JSON.parse(line)) });
  return { clock, entries, reports: followerReports(logger, clock) };
}

const away = new Error('no answer');

describe('an unavailable revocation log', () => {
  test('is logged once in full, then once a minute in one line, and once when it recovers', () => {
    const { clock, entries, reports } = recorded();
    for (let second = 0; second < 150; second += 1) {
      reports.readFailed(away);
      clock.advance(1_000);
    }
    reports.recovered();
    expect(entries).toEqual([
      expect.objectContaining({ level: 'warn', err: expect.objectContaining({ stack: expect.any(String) }) }),
      expect.objectContaining({ level: 'warn', reason: 'no answer', seconds: 60 }),
      expect.objectContaining({ level: 'warn', reason: 'no answer', seconds: 120 }),
      expect.objectContaining({ level: 'info', seconds: 150 }),
    ]);
    expect(JSON.stringify(entries.slice(1))).not.toContain('stack');
  });

  test('is logged in full at the next outage', () => {
    const { clock, entries, reports } = recorded();
    for (let time = 0; time < 2; time += 1) {
      reports.readFailed(away);
      clock.advance(MINUTE / 10);
      reports.recovered();
    }
    expect(entries.map(({ level }) => level)).toEqual(['warn', 'info', 'warn', 'info']);
    expect(entries[2]).toHaveProperty('err.stack');
  });
});
