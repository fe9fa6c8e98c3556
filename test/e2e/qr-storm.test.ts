import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { QrStorm } from '../support/qr-storm.ts';

let storm: QrStorm;

beforeAll(async () => {
  storm = await QrStorm.open();
}, 30_000);

afterAll(() => storm.close());

test.each([false, true])(
  'everything at once, wrong digits: %j, opens one session or none, over two servers',
  async (hasWrongDigits) => {
    const opened: number[] = [];
    for (let made = 0; made < 5; made += 1) opened.push(await storm.over(50, hasWrongDigits));
    expect(Math.max(...opened)).toBeLessThanOrEqual(1);
    if (!hasWrongDigits) expect(opened).toEqual([1, 1, 1, 1, 1]);
  },
  30_000,
);
