import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { QrStorm } from '../support/qr-storm.ts';
import { MINUTE } from '../support/sessions.ts';

/** `npm run test:tickets` makes 1,000. */
const TICKETS = Number(process.env['TICKETS'] ?? 200);

let storm: QrStorm;

beforeAll(async () => {
  storm = await QrStorm.open();
}, MINUTE);

afterAll(() => storm.close());

test(
  'tickets with 50 scans, approvals, wrong digits, polls and redemptions each open one session or none',
  async () => {
    const results = new Map<number, number>();
    for (let made = 0; made < TICKETS; made += 1) {
      const sessions = await storm.over(50, made % 2 === 0);
      results.set(sessions, (results.get(sessions) ?? 0) + 1);
    }
    expect([...results.keys()].sort()).toEqual([0, 1]);
    // Without wrong digits there is always one.
    expect(results.get(1)).toBeGreaterThanOrEqual(TICKETS / 2);
  },
  20 * MINUTE,
);
