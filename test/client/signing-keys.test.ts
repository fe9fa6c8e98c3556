import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { claimsAt, TestKey } from '../support/test-keys.ts';

let key: TestKey;
let next: TestKey;
let clock: ManualClock;
let service: FakeValidationService;
let client: LatchkeyClient;

beforeAll(async () => {
  key = await TestKey.make('key-1');
  next = await TestKey.make('key-2');
});

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  service = await FakeValidationService.start(clock, [key]);
  client = connect(service.address, { credentials: { kind: 'plaintext' }, clock, maxStalenessMs: 60_000 });
});

afterEach(async () => {
  await client.close();
  service.close();
});

const signed = (by: TestKey, given: Record<string, unknown> = {}) => by.sign(claimsAt(clock.now(), given));

describe('the signing keys', () => {
  test('are fetched once for many tokens with an unknown key, and at most once a second', async () => {
    await client.ready();
    service.keys = [key, next];
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, at) => signed(next, { jti: `t-${at}` })));
    const kinds = await Promise.all(tokens.map(async (token) => (await client.validate(token)).kind));
    expect(new Set(kinds)).toStrictEqual(new Set(['accepted']));
    expect(service.keyFetches).toBe(2);
    const unknownKey = await TestKey.make('key-3');
    expect(await client.validate(await signed(unknownKey))).toMatchObject({ reason: 'UNKNOWN_KEY' });
    expect(service.keyFetches).toBe(2);
    clock.advance(1_000);
    expect(await client.validate(await signed(unknownKey))).toMatchObject({ reason: 'UNKNOWN_KEY' });
    expect(service.keyFetches).toBe(3);
    expect(service.batches).toHaveLength(0);
  });

  test('stay in use if the service does not answer', async () => {
    service.maxAgeMs = 1_000;
    await client.ready();
    service.failures.set('GetSigningKeys', { code: status.INTERNAL });
    await eventually(() => service.callsOf('GetSigningKeys') > 2);
    expect(await client.validate(await signed(key))).toMatchObject({ kind: 'accepted' });
  });

  test('give no verdict on an unknown key that could not be fetched: only the service can', async () => {
    await client.ready();
    service.failures.set('GetSigningKeys', { code: status.INTERNAL });
    expect(await client.validate(await signed(next))).toMatchObject({ reason: 'SESSION_ENDED' });
    expect(await client.validate(await signed(next))).toMatchObject({ reason: 'SESSION_ENDED' });
    expect(service.batches).toHaveLength(2);
    service.failures.set('BatchValidate', { code: status.INTERNAL });
    await expect(client.validate(await signed(next))).rejects.toMatchObject({ code: status.INTERNAL });
  });

  test('are fetched again at their maximum age, with the other rules for tokens', async () => {
    service.maxAgeMs = 1_000;
    await client.ready();
    const token = await signed(key);
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    service.issuer = 'https://elsewhere.test';
    service.audiences = ['others'];
    service.maxTokenLifeMs = 60_000;
    const { keyFetches } = service;
    await eventually(() => service.keyFetches > keyFetches);
    await eventually(async () => (await client.validate(token)).kind === 'rejected');
    expect(await client.validate(token)).toMatchObject({ reason: 'ISSUER' });
    const given = { iss: service.issuer, aud: 'others' };
    expect(await client.validate(await signed(key, given))).toMatchObject({ kind: 'accepted' });
    clock.advance(59_000);
    const old = { ...given, iat: Math.floor(clock.now() / 1_000) - 61 };
    expect(await client.validate(await signed(key, old))).toMatchObject({ reason: 'EXPIRED' });
  });

  test('that are withdrawn verify nothing more, also for cached tokens', async () => {
    service.maxAgeMs = 1_000;
    await client.ready();
    const token = await signed(key);
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    service.keys = [next];
    await eventually(async () => (await client.validate(token)).kind === 'rejected');
    expect(await client.validate(token)).toMatchObject({ reason: 'UNKNOWN_KEY' });
  });
});
