import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';
import { FakeValidationService } from '../support/fake-validation-service.ts';

let services: FakeValidationService[];
let opened: (() => unknown)[];

beforeEach(async () => {
  services = [];
  opened = [];
  for (let count = 0; count < 3; count += 1) services.push(await serve());
});

afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

async function serve(): Promise<FakeValidationService> {
  const service = await FakeValidationService.start(systemClock, []);
  opened.push(() => service.close());
  return service;
}

function open(
  given: readonly { readonly address: string }[] = services,
  options: ConnectOptions = {},
): LatchkeyClient {
  const addresses = given.map(({ address }) => address);
  const client = connect(addresses, { credentials: { kind: 'plaintext' }, mode: 'remote', ...options });
  opened.push(() => client.close());
  return client;
}

const one = (index: number) => services[index] as FakeValidationService;
const logins = () => services.map((service) => service.callsOf('Login'));
async function logIn(client: LatchkeyClient, times: number): Promise<readonly number[]> {
  const before = logins();
  for (let count = 0; count < times; count += 1) await client.login(ADMIN);
  return logins().map((count, index) => count - (before[index] ?? 0));
}
/** Until each of them is connected and has said how it is. */
const spread = (client: LatchkeyClient, expected: readonly number[]) =>
  eventually(async () => {
    const sum = expected.reduce((total, count) => total + count, 0);
    return String(await logIn(client, sum)) === String(expected);
  });

describe('an address whose service says NOT_SERVING', () => {
  test('is not asked from the first call on, where others serve', async () => {
    one(1).health.setServing(false);
    const client = open();
    const [first = 0, sick, third = 0] = await logIn(client, 12);
    expect(sick).toBe(0);
    expect(first + third).toBe(12);
    await spread(client, [3, 0, 3]);
  });

  test('is left while it is in use, and asked again once it serves', async () => {
    const client = open();
    await spread(client, [3, 3, 3]);
    one(2).health.setServing(false);
    await spread(client, [3, 3, 0]);
    one(2).health.setServing(true);
    await spread(client, [3, 3, 3]);
  });

  test('is asked all the same where none of them serves', async () => {
    for (const { health } of services) health.setServing(false);
    await spread(open(), [3, 3, 3]);
  });

  test('validates where the others are away', async () => {
    one(1).health.setServing(false);
    const client = open();
    await logIn(client, 3);
    for (const index of [0, 2]) one(index).close();
    await eventually(async () => (await client.validate('a')).kind === 'rejected');
    expect(one(1).callsOf('BatchValidate')).toBeGreaterThan(0);
  });

  test('is one that says nothing of its health: it is used', async () => {
    const mute = await FakeLatchkey.start();
    opened.push(() => mute.close());
    const client = open([mute, one(0)]);
    await eventually(async () => {
      await client.logout({ accessToken: 'any' });
      return mute.rpcs.length >= 3;
    });
  });
});

test('An address that answers UNAVAILABLE is asked last until it serves, or for a while', async () => {
  const client = open();
  await spread(client, [3, 3, 3]);
  one(0).failures.set('Login', { code: status.UNAVAILABLE });
  const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => client.login(ADMIN)));
  expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(1);
  await eventually(async () => String(await logIn(client, 6)) === String([0, 3, 3]));
  one(0).failures.clear();
  one(0).health.setServing(false);
  one(0).health.setServing(true);
  await spread(client, [3, 3, 3]);
});
