import { describe, expect, test } from '@jest/globals';
import { DEVICE_TOKEN_TTL_MS } from '../../src/core/sign-in/device-token.ts';
import { outcomeOf } from '../support/failing.ts';
import { ATTEMPT, LoginStage } from '../support/login-stage.ts';
import { ids } from '../support/sessions.ts';

const OTHER_USER = ids.next(1);

describe('a login on a device that signed the user in before', () => {
  test('is counted for that device, and queues for that user', async () => {
    const stage = await LoginStage.set();
    const { userId } = stage.alice;
    const { deviceToken } = await stage.signIn(ATTEMPT);
    const known = stage.devices.deviceOf(deviceToken);
    expect(known).toMatchObject({ userId });
    const again = await stage.signIn({ ...ATTEMPT, deviceToken });
    expect(again.deviceToken).toBe(deviceToken);
    expect(stage.reserved.map(({ deviceId }) => deviceId)).toEqual([undefined, known?.deviceId]);
    expect(stage.sources).toEqual([
      ATTEMPT.source,
      { purpose: 'known-device', address: userId, connection: ATTEMPT.source.connection },
    ]);
  });

  test('is counted for that device also with a wrong password, and after the password was changed', async () => {
    const stage = await LoginStage.set();
    const { deviceToken } = await stage.signIn(ATTEMPT);
    stage.find = async () => ({ ...stage.alice, securityVersion: 9, passwordChangedAt: stage.clock.now() });
    await outcomeOf(stage.service.login({ ...ATTEMPT, deviceToken, password: 'wrong' }));
    const deviceId = stage.devices.deviceOf(deviceToken)?.deviceId;
    expect(stage.reserved.at(-1)).toEqual({ userId: stage.alice.userId, network: '192.0.2.1', deviceId });
  });
});

describe('a device token', () => {
  test('of another user counts as none, for users that exist and that do not', async () => {
    const stage = await LoginStage.set();
    const deviceToken = stage.devices.tokenFor(OTHER_USER, undefined);
    const { deviceToken: own } = await stage.signIn({ ...ATTEMPT, deviceToken });
    const otherDevice = stage.devices.deviceOf(deviceToken)?.deviceId;
    expect(stage.devices.deviceOf(own)).toMatchObject({ userId: stage.alice.userId });
    expect(stage.devices.deviceOf(own)?.deviceId).not.toBe(otherDevice);
    await outcomeOf(stage.service.login({ ...ATTEMPT, deviceToken, username: 'bob' }));
    expect(stage.reserved.map(({ deviceId }) => deviceId)).toEqual([undefined, undefined]);
    const [first, second] = [stage.steps.slice(0, 5), stage.steps.slice(-6, -1)];
    expect(second).toEqual(first);
  });

  test('that has expired counts as none', async () => {
    const stage = await LoginStage.set();
    const { deviceToken } = await stage.signIn(ATTEMPT);
    stage.clock.advance(DEVICE_TOKEN_TTL_MS);
    expect(await outcomeOf(stage.service.login({ ...ATTEMPT, deviceToken }))).toBe('ok');
    expect(stage.reserved.at(-1)?.deviceId).toBeUndefined();
  });

  test('that this service did not issue is refused as a field, before anything is done', async () => {
    const stage = await LoginStage.set();
    const deviceToken = `lkd_${'A'.repeat(92)}`;
    for (const username of ['Alice', 'Bob']) {
      await expect(stage.service.login({ ...ATTEMPT, username, deviceToken })).rejects.toMatchObject({
        reason: 'INVALID_FIELD',
        violations: [{ field: 'device_token' }],
      });
    }
    expect(stage.steps).toEqual([]);
    expect(stage.sources).toEqual([]);
  });
});
