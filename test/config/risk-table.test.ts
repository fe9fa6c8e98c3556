import { describe, expect, test } from '@jest/globals';
import { parseRiskTable } from '../../src/config/risk-table.ts';

const MINUTE = 60_000;
const LIMITS = { minLifetimeMs: 15 * MINUTE, hasCountries: true };
const RULE = { at: 'sign-in', signals: ['new-device'], action: 'note' };

const parse = (value: unknown, limits: Partial<typeof LIMITS> = {}) =>
  parseRiskTable(typeof value === 'string' ? value : JSON.stringify(value), { ...LIMITS, ...limits });
/** A table whose second rule is this one. */
const withRule = (rule: unknown) => ({ mode: 'shadow', rules: [RULE, rule] });

test('a table of risk rules is read from JSON', () => {
  const table = {
    mode: 'enforce',
    rules: [
      { at: 'sign-in', signals: ['new-country', 'new-device', 'new-device'], action: 'end-all' },
      { at: 'refresh', signals: ['unusual-hour'], action: 'shorten', lifetime: '1h' },
    ],
  };
  expect(parse(table)).toEqual({
    mode: 'enforce',
    rules: [
      { at: 'sign-in', signals: ['new-country', 'new-device'], action: 'end-all' },
      { at: 'refresh', signals: ['unusual-hour'], action: 'shorten', lifetimeMs: 60 * MINUTE },
    ],
  });
  expect(parse({ mode: 'shadow', rules: [] })).toEqual({ mode: 'shadow', rules: [] });
});

describe('a wrong table is refused with the rule and what is allowed', () => {
  const signals = 'new-device, new-platform, new-network, new-country, unusual-hour';
  test.each<[unknown, string]>([
    ['{', 'it is not JSON'],
    [[], 'mode is missing'],
    [null, 'must be an object with mode and rules'],
    [{ rules: [] }, 'mode is missing'],
    [{ mode: 'on', rules: [] }, 'mode must be one of shadow, enforce'],
    [{ mode: 'shadow' }, 'rules is missing'],
    [{ mode: 'shadow', rules: {} }, 'rules must be a list'],
    [{ mode: 'shadow', rules: new Array(101).fill(RULE) }, 'rules must be at most 100'],
    [{ mode: 'shadow', rules: [], dry: true }, 'dry is not known; known are mode and rules'],
    [withRule('note'), 'rule 2 must be an object with at, signals, action and lifetime'],
    [withRule({ ...RULE, at: 'logout' }), 'rule 2: at must be one of sign-in, refresh'],
    [withRule({ ...RULE, signals: ['new-moon'] }), `rule 2: signals must be one of ${signals}`],
    [withRule({ ...RULE, signals: [] }), `rule 2: signals must have at least one of ${signals}`],
    [withRule({ ...RULE, signals: 'new-device' }), `rule 2: signals must be a list of ${signals}`],
    [
      withRule({ ...RULE, action: 'warn' }),
      'rule 2: action must be one of note, shorten, end-session, end-all',
    ],
    [withRule({ at: 'sign-in', signals: ['new-device'] }), 'rule 2: action is missing'],
    [withRule({ ...RULE, if: 'x' }), 'rule 2: if is not known; known are at, signals, action and lifetime'],
    [withRule({ ...RULE, lifetime: '1h' }), 'rule 2: lifetime is allowed only with the action shorten'],
    [
      withRule({ ...RULE, action: 'shorten' }),
      'rule 2: lifetime must be set with the action shorten, to at least 15m',
    ],
    [
      withRule({ ...RULE, action: 'shorten', lifetime: '14m' }),
      'to at least 15m, the lifetime of an access token',
    ],
    [
      withRule({ ...RULE, action: 'shorten', lifetime: 60 }),
      'rule 2: lifetime must be text, for example "1h"',
    ],
    [
      withRule({ ...RULE, action: 'shorten', lifetime: '1 hour' }),
      'rule 2: lifetime must be a whole number with a unit (ms, s, m, h, d), from 1s to 3650d',
    ],
    [
      withRule({ ...RULE, at: 'refresh' }),
      'rule 2: signals has new-device, but at refresh it can have only new-network, new-country, unusual-hour',
    ],
  ])('%j: %s', (table, message) => {
    expect(() => parse(table)).toThrow(message);
  });

  test('countries need a database of them', () => {
    const table = withRule({ ...RULE, signals: ['new-country'] });
    expect(() => parse(table, { hasCountries: false })).toThrow(
      'rule 2: signals has new-country, which needs LATCHKEY_GEO_FILE',
    );
  });
});
