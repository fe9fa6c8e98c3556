import { describe, expect, test } from '@jest/globals';
import {
  type Circumstances,
  type PastSignIn,
  type Places,
  signalsOf,
} from '../../src/core/risk/risk-signals.ts';
import { DAY, HOUR } from '../support/sessions.ts';

const NOON = Date.UTC(2026, 0, 1, 12);

/** Networks are the first three bytes; addresses that begin with 10 are private. */
const PLACES: Places = {
  networkOf: (address) =>
    address === '' || address.startsWith('10.') ? undefined : address.split('.').slice(0, 3).join('.'),
  countryOf: (address) => ({ '192': 'DE', '198': 'FR', '10': 'XX' })[address.split('.')[0] ?? ''],
};

const CURRENT: Circumstances = { deviceMark: 'phone', platform: 'ios', ipAddress: '192.0.2.1', at: NOON };
const PAST: PastSignIn = {
  deviceMark: 'phone',
  platform: 'ios',
  ipAddresses: ['192.0.2.9', '192.0.2.200'],
  at: NOON - DAY,
};

const found = (current: Partial<Circumstances>, ...past: readonly Partial<PastSignIn>[]) =>
  signalsOf(
    { ...CURRENT, ...current },
    past.map((one) => ({ ...PAST, ...one })),
    PLACES,
  );

describe('a sign-in like one before', () => {
  test('gives no signal', () => {
    expect(found({}, {})).toEqual([]);
    expect(found({}, { deviceMark: 'laptop', platform: 'linux', ipAddresses: ['198.51.100.1'] }, {})).toEqual(
      [],
    );
  });
});

describe('the first sign-in of a user', () => {
  test('gives no signal, because there is nothing to compare it with', () => {
    expect(found({})).toEqual([]);
  });
});

describe('a signal', () => {
  test.each<[string, Partial<Circumstances>, Partial<PastSignIn>, readonly string[]]>([
    ['another device', { deviceMark: 'laptop' }, {}, ['new-device']],
    ['a device where none had an id', {}, { deviceMark: '' }, ['new-device']],
    ['a device where an earlier release stored none', {}, { deviceMark: undefined }, []],
    ['a device without an id', { deviceMark: '' }, {}, []],
    ['another platform', { platform: 'linux' }, {}, ['new-platform']],
    ['an unknown platform', { platform: '' }, {}, []],
    ['a platform where none was known', {}, { platform: '' }, []],
    ['another network', { ipAddress: '192.0.3.1' }, {}, ['new-network']],
    [
      'a network where a session was refreshed',
      { ipAddress: '192.0.3.1' },
      { ipAddresses: ['192.0.2.1', '192.0.3.7'] },
      [],
    ],
    ['another country', { ipAddress: '198.51.100.1' }, {}, ['new-network', 'new-country']],
    ['an unknown country', { ipAddress: '203.0.113.1' }, {}, ['new-network']],
    ['a country where none was known', {}, { ipAddresses: ['203.0.113.1'] }, ['new-network']],
    ['an unknown address', { ipAddress: '' }, {}, []],
    ['a private address', { ipAddress: '10.0.0.1' }, {}, []],
    ['an address where all were private or unknown', {}, { ipAddresses: ['10.0.0.1', ''] }, []],
  ])('%s', (_, current, past, signals) => {
    expect(found(current, past)).toEqual(signals);
  });

  test('comes in a fixed order', () => {
    expect(found({ deviceMark: 'x', platform: 'x', ipAddress: '198.51.100.1' }, {})).toEqual([
      ...['new-device', 'new-platform', 'new-network', 'new-country'],
    ]);
  });
});

describe('an hour', () => {
  const signIns = (count: number, at: number) => Array.from({ length: count }, () => ({ at }));

  test.each([
    [10, 3 * HOUR, ['unusual-hour']],
    [10, 2 * HOUR + 59 * 60_000, []],
    [10, -2 * HOUR, []],
    [10, -3 * HOUR, ['unusual-hour']],
    [10, 12 * HOUR, ['unusual-hour']],
    [10, 23 * HOUR, []],
    [9, 12 * HOUR, []],
  ])(
    'is unusual after %d sign-ins at noon if it is more than 2 hours away: %d ms',
    (count, later, signals) => {
      expect(found({ at: NOON + later }, ...signIns(count, NOON - DAY))).toEqual(signals);
    },
  );

  test('is usual if one sign-in was near it, also across midnight', () => {
    const late = NOON + 11 * HOUR;
    expect(found({ at: late + 2 * HOUR }, ...signIns(10, NOON - DAY), { at: late - DAY })).toEqual([]);
  });
});
