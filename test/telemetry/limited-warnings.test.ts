import { describe, expect, test } from '@jest/globals';
import { limitedWarnings } from '../../src/telemetry/limited-warnings.ts';
import { createLogger, type LogLevel } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A log with limited warnings, and its lines. */
function recorded(level: LogLevel = 'info') {
  const entries: Record<string, unknown>[] = [];
  const clock = new ManualClock();
  const logger = createLogger(level, { write: (line) => entries.push(JSON.parse(line)) });
  return { clock, entries, log: limitedWarnings(logger, clock) };
}

describe('a frequent warning', () => {
  test('is logged once a minute, with the number omitted', () => {
    const { clock, entries, log } = recorded();
    for (let second = 0; second < 130; second += 1) {
      log.warn({ second }, 'The users store did not answer; try again.');
      clock.advance(1_000);
    }
    expect(entries.map(({ second, omitted }) => [second, omitted])).toEqual([
      [0, undefined],
      [60, 59],
      [120, 59],
    ]);
  });

  test('does not delay other warnings or errors', () => {
    const { entries, log } = recorded();
    for (let time = 0; time < 2; time += 1) {
      log.warn({}, 'one');
      log.warn({}, 'other');
      log.error({}, 'fault');
    }
    expect(entries.map(({ msg }) => msg)).toEqual(['one', 'other', 'fault', 'fault']);
  });

  test('is still logged at debug', () => {
    const { entries, log } = recorded('debug');
    for (let time = 0; time < 2; time += 1) log.warn({}, 'one');
    expect(entries.map(({ level }) => level)).toEqual(['warn', 'debug']);
  });

  test('is not remembered forever', () => {
    const { entries, log } = recorded();
    for (let count = 0; count < 10_000; count += 1) log.warn({}, `warning ${count}`);
    log.warn({}, 'warning 0');
    expect(entries).toHaveLength(10_001);
  });
});
