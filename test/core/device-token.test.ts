import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RefreshTokens } from '../../src/core/session/refresh-token.ts';
import { DeviceTokens } from '../../src/core/sign-in/device-token.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { DAY, ids } from '../support/sessions.ts';

const key = randomBytes(32);
const userId = ids.next(1_000);

let clock: ManualClock;
let tokens: DeviceTokens;
beforeEach(() => {
  clock = new ManualClock();
  tokens = new DeviceTokens({ macKeys: [key], clock, ids });
});

describe('a device token', () => {
  test('names the user and the device, for 180 days', () => {
    const token = tokens.tokenFor(userId, undefined);
    expect(token).toMatch(/^lkd_[A-Za-z0-9_-]{92}$/);
    const device = tokens.deviceOf(token);
    expect(device).toMatchObject({ userId, issuedAt: clock.now() });
    clock.advance(180 * DAY - 1);
    expect(tokens.deviceOf(token)).toEqual(device);
    clock.advance(1);
    expect(tokens.deviceOf(token)).toBeUndefined();
  });

  test('stays the same for 30 days, and is then renewed for the same device', () => {
    const token = tokens.tokenFor(userId, undefined);
    const device = tokens.deviceOf(token);
    clock.advance(30 * DAY - 1);
    expect(tokens.tokenFor(userId, device)).toBe(token);
    clock.advance(1);
    const renewed = tokens.tokenFor(userId, device);
    expect(renewed).not.toBe(token);
    expect(tokens.deviceOf(renewed)).toEqual({ ...device, issuedAt: clock.now() });
  });

  test('is another one for each device', () => {
    const [one, other] = [tokens.tokenFor(userId, undefined), tokens.tokenFor(userId, undefined)];
    expect(tokens.deviceOf(one)?.deviceId).not.toBe(tokens.deviceOf(other)?.deviceId);
  });

  test('that is empty is none', () => {
    expect(tokens.deviceOf('')).toBeUndefined();
  });

  test('with any single character changed is refused as a field', () => {
    const token = tokens.tokenFor(userId, undefined);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'Aa0_-=. \u00e9'), (index, letter) => {
        fc.pre(token[index] !== letter);
        const forged = token.slice(0, index) + letter + token.slice(index + 1);
        expect(() => tokens.deviceOf(forged)).toThrow('device_token');
      }),
    );
  });

  test.each<[string, () => string]>([
    ['some text', () => 'x'],
    ['nothing but the prefix', () => 'lkd_'],
    ['zeros', () => `lkd_${'A'.repeat(92)}`],
    [
      'one of another service',
      () => new DeviceTokens({ macKeys: [randomBytes(32)], clock, ids }).tokenFor(userId, undefined),
    ],
    [
      'a refresh token',
      () => new RefreshTokens([key]).mint({ userId, sessionId: ids.next(0), generation: 1 }),
    ],
  ])('of no device is refused as a field: %s', async (_, forge) => {
    expect(await failureOf(() => tokens.deviceOf(forge()))).toMatchObject({
      reason: 'INVALID_FIELD',
      violations: [{ field: 'device_token' }],
    });
  });

  test('made with an older key is accepted', () => {
    const token = tokens.tokenFor(userId, undefined);
    const rotated = new DeviceTokens({ macKeys: [randomBytes(32), key], clock, ids });
    expect(rotated.deviceOf(token)?.userId).toBe(userId);
  });
});
