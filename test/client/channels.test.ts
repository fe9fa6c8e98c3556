import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { Failure } from '../../src/core/failure.ts';
import { statusOf } from '../../src/grpc/status-details.ts';
import { eventually } from '../support/eventually.ts';
import { FakeLatchkey } from '../support/fake-latchkey.ts';
import { FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const services: FakeValidationService[] = [];
const clients: LatchkeyClient[] = [];

beforeEach(async () => {
  const clock = new ManualClock(Date.now());
  for (let count = 0; count < 3; count += 1) services.push(await FakeValidationService.start(clock, []));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const service of services.splice(0)) service.close();
});

function open(given: readonly { readonly address: string }[] = services, clock?: Clock): LatchkeyClient {
  const addresses = given.map(({ address }) => address);
  const client = connect(addresses, {
    credentials: { kind: 'plaintext' },
    mode: 'remote',
    timeoutMs: 3_000,
    ...(clock && { clock }),
  });
  clients.push(client);
  return client;
}

const calls = (rpc: string) => services.map((service) => service.callsOf(rpc));

async function callUntilSpread(client: LatchkeyClient): Promise<void> {
  await eventually(async () => {
    await client.validate('a');
    return calls('BatchValidate').every((count) => count > 0);
  });
}

describe('several addresses', () => {
  test('are used in turn', async () => {
    const client = open();
    await callUntilSpread(client);
    const before = calls('Logout');
    for (let count = 0; count < 9; count += 1) await client.logout({ accessToken: 'any' });
    expect(calls('Logout').map((count, at) => count - (before[at] ?? 0))).toStrictEqual([3, 3, 3]);
  });

  test('are skipped if they are not reachable', async () => {
    services[0]?.close();
    const client = open();
    for (let count = 0; count < 10; count += 1) await client.login({ username: 'ada', password: 'x' });
    expect(calls('Login')[0]).toBe(0);
  });

  test('replace one that becomes unreachable', async () => {
    const client = open();
    await callUntilSpread(client);
    services[1]?.close();
    for (let count = 0; count < 20; count += 1) {
      expect(await client.validate('a')).toMatchObject({ kind: 'rejected' });
    }
  });

  test('are used before one that does not answer', async () => {
    const client = open();
    await callUntilSpread(client);
    const hanging = services[1] as FakeValidationService;
    hanging.answer = () => new Promise(() => undefined);
    const before = hanging.callsOf('BatchValidate');
    for (let count = 0; count < 3; count += 1) {
      await client.identity.batchValidate({ accessTokens: ['a'] }, { timeoutMs: 200 }).catch(() => undefined);
    }
    expect(hanging.callsOf('BatchValidate')).toBe(before + 1);
    for (let count = 0; count < 10; count += 1) await client.validate('a');
    expect(hanging.callsOf('BatchValidate')).toBe(before + 1);
  });

  test('include an address again five seconds after it did not answer', async () => {
    let elapsedMs = 0;
    const client = open(services, { now: Date.now, monotonic: () => elapsedMs });
    await callUntilSpread(client);
    const hanging = services[1] as FakeValidationService;
    const asked = hanging.callsOf('BatchValidate');
    hanging.answer = () => new Promise(() => undefined);
    await eventually(async () => {
      await client.identity.batchValidate({}, { timeoutMs: 200 }).catch(() => undefined);
      return hanging.callsOf('BatchValidate') > asked;
    });
    const logouts = async () => {
      const before = hanging.callsOf('Logout');
      for (let count = 0; count < 6; count += 1) await client.logout({ accessToken: 'any' });
      return hanging.callsOf('Logout') - before;
    };
    elapsedMs = 4_999;
    expect(await logouts()).toBe(0);
    elapsedMs = 5_000;
    expect(await logouts()).toBe(2);
  });

  test('make a call fail as unreachable if none is reachable', async () => {
    for (const service of services) service.close();
    await expect(open().validate('a')).rejects.toMatchObject({ isUnreachable: true });
  });

  test('are reconnected if a connection is accepted but stays silent', async () => {
    const clock = new ManualClock(Date.now());
    const [service] = services;
    const target = Number(service?.address.split(':').at(-1));
    const sockets: Socket[] = [];
    const mute = createServer((socket) => {
      sockets.push(socket);
      if (sockets.length === 1) return;
      const upstream = connectTo(target, '127.0.0.1');
      sockets.push(upstream);
      socket.pipe(upstream).pipe(socket);
      for (const end of [socket, upstream]) end.on('error', () => undefined);
    });
    await once(mute.listen(0, '127.0.0.1'), 'listening');
    const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const client = connect(address, {
      credentials: { kind: 'plaintext' },
      mode: 'remote',
      timeoutMs: 200,
      clock,
    });
    clients.push(client);
    try {
      for (let count = 0; count < 2; count += 1) {
        await expect(client.validate('a')).rejects.toMatchObject({ isUnreachable: true });
      }
      clock.advance(5_000);
      await eventually(() =>
        client.validate('a').then(
          () => true,
          () => false,
        ),
      );
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });

  test('must not be empty', () => {
    expect(() => connect([])).toThrow(TypeError);
  });
});

describe('a call that gets UNAVAILABLE', () => {
  const [unavailable, refused] = [{ code: status.UNAVAILABLE }, { code: status.PERMISSION_DENIED }];
  let client: LatchkeyClient;
  let service: FakeValidationService;

  beforeEach(() => {
    service = services[0] as FakeValidationService;
    client = open([service]);
  });

  test.each([
    ['Validate', () => client.identity.validate({})],
    ['BatchValidate', () => client.validate('a')],
    ['Refresh', () => client.refresh({ refreshToken: '' })],
    ['Logout', () => client.logout({ accessToken: 'any' })],
  ])('is tried three times: %s', async (rpc, call) => {
    service.failures.set(rpc, unavailable);
    await expect(call()).rejects.toMatchObject(unavailable);
    expect(service.callsOf(rpc)).toBe(3);
  });

  test('succeeds if one attempt succeeds', async () => {
    service.failures.set('Logout', unavailable);
    const call = client.logout({ accessToken: 'any' });
    await eventually(() => service.callsOf('Logout') === 1);
    service.failures.clear();
    expect(await call).toMatchObject({ revision: '100-0' });
  });

  test('is not retried if it is a Login', async () => {
    service.failures.set('Login', unavailable);
    await expect(client.login({ username: '', password: '' })).rejects.toMatchObject(unavailable);
    expect(service.callsOf('Login')).toBe(1);
  });

  test.each([
    ['CreateUser', (client: LatchkeyClient) => client.users.createUser({})],
    ['DisableUser', (client: LatchkeyClient) => client.users.disableUser({})],
    ['RotateSigningKey', (client: LatchkeyClient) => client.keys.rotateSigningKey({})],
  ])('is not retried if it is an admin change: %s', async (rpc, call) => {
    const latchkey = await FakeLatchkey.start();
    latchkey.failures.set(rpc, new Failure('STORE_UNAVAILABLE', 'Busy.'));
    await expect(call(open([latchkey]))).rejects.toMatchObject(unavailable);
    latchkey.close();
    expect(latchkey.rpcs).toStrictEqual([rpc]);
  });

  test('is not retried if the service refused it for another reason', async () => {
    service.failures.set('Logout', refused);
    await expect(client.logout({ accessToken: 'any' })).rejects.toMatchObject(refused);
    expect(service.callsOf('Logout')).toBe(1);
  });

  test('is retried after the delay that the service states, if that is before the deadline', async () => {
    const busy = (retryAfterMs: number) =>
      statusOf(new Failure('STORE_UNAVAILABLE', 'Busy.', { retryAfterMs }));
    service.failures.set('Logout', busy(400));
    const begun = performance.now();
    const call = client.logout({ accessToken: 'any' });
    await eventually(() => service.callsOf('Logout') === 1);
    service.failures.clear();
    await call;
    expect(performance.now() - begun).toBeGreaterThanOrEqual(399);
    service.failures.set('Refresh', busy(60_000));
    await expect(client.refresh({ refreshToken: '' })).rejects.toMatchObject({ retryAfterMs: 60_000 });
    expect(service.callsOf('Refresh')).toBe(1);
  });

  test('is not retried after its deadline or its cancellation', async () => {
    service.failures.set('Logout', unavailable);
    await expect(client.logout({ accessToken: 'any' }, { timeoutMs: 10 })).rejects.toBeInstanceOf(
      LatchkeyError,
    );
    expect(service.callsOf('Logout')).toBeLessThan(2);
    const controller = new AbortController();
    const call = client.refresh({ refreshToken: '' }, { signal: controller.signal });
    service.failures.set('Refresh', unavailable);
    await eventually(() => service.callsOf('Refresh') === 1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
  });
});
