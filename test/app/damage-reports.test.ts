import { expect, test } from '@jest/globals';
import { damageReports } from '../../src/app/damage-reports.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

test('damage in Redis is logged once, with its id', () => {
  const entries: Record<string, unknown>[] = [];
  const report = damageReports(createLogger('info', { write: (line) => entries.push(JSON.parse(line)) }));
  for (let time = 0; time < 3; time += 1) {
    report({ what: 'revocation', id: '1-0' });
    report({ what: 'session', id: 'one' });
  }
  expect(entries.map(({ level, id }) => [level, id])).toEqual([
    ['error', '1-0'],
    ['error', 'one'],
  ]);
});
