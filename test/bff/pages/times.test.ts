import { describe, expect, test } from '@jest/globals';
import { countdown, day, duration, moment, relative } from '../../../src/bff/pages/times.ts';
import { fromNow, NOW, samplePage } from '../../support/sample-views.ts';

const english = samplePage();
const chinese = samplePage({ language: 'zh' });
const HOUR_MS = 3_600_000;

describe('times', () => {
  test('a moment is shown in UTC, with the instant for scripts', () => {
    expect(moment(NOW, english).toString()).toBe(
      '<time datetime="2026-11-22T10:20:00.000Z" data-moment>Nov 22, 2026, 10:20 UTC</time>',
    );
    expect(day(NOW, chinese).toString()).toContain('2026年11月22日');
  });

  test.each([
    [-40_000, '40 seconds ago', '40秒钟前'],
    [-59_600, '1 minute ago', '1分钟前'],
    [-3 * HOUR_MS, '3 hours ago', '3小时前'],
    [-24 * HOUR_MS, 'yesterday', '昨天'],
    [14 * 24 * HOUR_MS, 'in 14 days', '14天后'],
  ])('%d ms from now is %s', (ms, inEnglish, inChinese) => {
    expect(relative(fromNow(ms), english).toString()).toContain(`>${inEnglish}<`);
    expect(relative(fromNow(ms), chinese).toString()).toContain(`>${inChinese}<`);
  });

  test('a time that is not known is said to be so', () => {
    expect(moment(undefined, english).toString()).toBe('Not known');
    expect(relative(undefined, chinese).toString()).toBe('未知');
  });

  test.each([
    [0, '1 second'],
    [5, '5 seconds'],
    [61, '2 minutes'],
    [7_200, '2 hours'],
  ])('a wait of %d seconds is %s', (seconds, text) => {
    expect(duration(seconds, english)).toBe(text);
  });

  test('a countdown has minutes and seconds, and never goes below zero', () => {
    expect(countdown(fromNow(65_000), NOW)).toEqual({ seconds: 65, text: '1:05' });
    expect(countdown(fromNow(-1), NOW)).toEqual({ seconds: 0, text: '0:00' });
  });
});
