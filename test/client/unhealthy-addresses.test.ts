import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';
import { FakeValidationService } from '../support/fake-validation-service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** A call on a silent connection takes two seconds before it is retried elsewhere. */
const SLOW_MS = 1_500;
const FOUND_OUT_MS = 3_000;

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

async function proxyOf({ address }: { readonly address: string }) {
  const proxy = await TcpProxy.open(Number(address.split(':').at(-1)));
  opened.push(() => proxy.close());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
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
/** Until each of them is connected and has reported its health. */
const spread = (client: LatchkeyClient, expected: readonly number[]) =>
  eventually(async () => {
    const sum = expected.reduce((total, count) => total + count, 0);
    return String(await logIn(client, sum)) === String(expected);
  });

describe('an address whose service says NOT_SERVING', () => {
  test('is not used from the first call on, if others serve', async () => {
    one(1).health.setServing(false);
    const client = open();
    const [first = 0, sick, third = 0] = await logIn(client, 12);
    expect(sick).toBe(0);
    expect(first + third).toBe(12);
    await spread(client, [3, 0, 3]);
  });

  test('is left while it is in use, and used again once it serves', async () => {
    const client = open();
    await spread(client, [3, 3, 3]);
    one(2).health.setServing(false);
    await spread(client, [3, 3, 0]);
    one(2).health.setServing(true);
    await spread(client, [3, 3, 3]);
  });

  test('is used if no address serves', async () => {
    for (const { health } of services) health.setServing(false);
    await spread(open(), [3, 3, 3]);
  });

  test('is used for validation if the others are unavailable', async () => {
    one(1).health.setServing(false);
    const client = open();
    await logIn(client, 3);
    for (const index of [0, 2]) one(index).close();
    await eventually(async () => (await client.validate('a')).kind === 'rejected');
    expect(one(1).callsOf('BatchValidate')).toBeGreaterThan(0);
  });

  test('does not include one that does not report its health', async () => {
    const mute = await FakeLatchkey.start();
    opened.push(() => mute.close());
    const client = open([mute, one(0)]);
    await eventually(async () => {
      await client.logout({ accessToken: 'any' });
      return mute.rpcs.length >= 3;
    });
  });
});

test('An address that answers UNAVAILABLE is used last until it serves, or for a while', async () => {
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

describe('an address that does not answer', () => {
  test('costs one slow validation, which is retried elsewhere, and is used again once it answers', async () => {
    const { proxy, address } = await proxyOf(one(1));
    const client = open([one(0), { address }, one(2)]);
    await spread(client, [3, 3, 3]);
    proxy.silence();
    const took: number[] = [];
    for (let count = 0; count < 60; count += 1) {
      const begunAt = performance.now();
      await client.identity.validate({ accessToken: 'a' });
      took.push(performance.now() - begunAt);
    }
    expect(took.filter((ms) => ms > SLOW_MS)).toHaveLength(1);
    proxy.speak();
    await spread(client, [3, 3, 3]);
  }, 20_000);

  test('costs one Login, which is not retried', async () => {
    const { proxy, address } = await proxyOf(one(1));
    const client = open([one(0), { address }, one(2)], { timeoutMs: 2_500 });
    await spread(client, [3, 3, 3]);
    proxy.silence();
    const failed: unknown[] = [];
    for (let count = 0; count < 60; count += 1)
      await client.login(ADMIN).catch((error) => failed.push(error));
    expect(failed).toMatchObject([{ code: status.DEADLINE_EXCEEDED, isUnsent: false }]);
  }, 20_000);

  test('is reconnected if it is the only one, and the call succeeds on the new connection', async () => {
    const { proxy, address } = await proxyOf(one(0));
    const client = open([{ address }]);
    await client.validate('a');
    proxy.silenceConnections();
    expect(await client.validate('a')).toMatchObject({ kind: 'rejected' });
    expect(one(0).callsOf('BatchValidate')).toBe(2);
  }, 20_000);

  test('does not include one with a slow call: it is not reconnected, and the answer is awaited', async () => {
    const { proxy, address } = await proxyOf(one(0));
    const client = open([{ address }]);
    one(0).answer = async ({ accessTokens }) => {
      await new Promise((resolve) => setTimeout(resolve, FOUND_OUT_MS));
      return one(0).ended(accessTokens);
    };
    expect(await client.validate('a')).toMatchObject({ kind: 'rejected' });
    expect(one(0).callsOf('BatchValidate')).toBe(1);
    expect(proxy.connections).toBe(1);
  }, 20_000);
});
