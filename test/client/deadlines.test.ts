import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

let fake: FakeLatchkey;
let clients: LatchkeyClient[] = [];

beforeEach(async () => {
  fake = await FakeLatchkey.start();
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const client of clients) await client.close();
  clients = [];
  fake.close();
});

function open(mode: 'local' | 'remote' = 'remote'): LatchkeyClient {
  const client = connect(fake.address, { credentials: { kind: 'plaintext' }, mode });
  clients.push(client);
  return client;
}

describe('a call whose deadline has passed', () => {
  test.each([0, -1, -60_000])('fails at once and is not sent: %d ms', async (timeoutMs) => {
    const client = open();
    await client.ready();
    await expect(client.login(ADMIN, { timeoutMs })).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: status.DEADLINE_EXCEEDED,
    });
    await client.logout({ accessToken: 'any' });
    expect(fake.rpcs).toStrictEqual(['Logout']);
  });

  test.each(['local', 'remote'] as const)(
    'sets no negative timer while it waits to be ready: %s',
    async (mode) => {
      const timers = jest.spyOn(globalThis, 'setTimeout');
      await expect(open(mode).ready(-5)).rejects.toMatchObject({ name: 'LatchkeyError' });
      for (const [, ms = 0] of timers.mock.calls) expect(ms).toBeGreaterThanOrEqual(0);
    },
  );
});

describe('the timeout of a call', () => {
  test('must be a number', async () => {
    const client = open();
    for (const timeoutMs of [Number.NaN, '5' as unknown as number]) {
      await expect(client.login(ADMIN, { timeoutMs })).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        message: expect.stringContaining('timeoutMs'),
      });
    }
    expect(fake.rpcs).toStrictEqual([]);
  });

  test.each([1e12, 1e300, Number.POSITIVE_INFINITY])('may have any length: %d ms', async (timeoutMs) => {
    expect((await open().login(ADMIN, { timeoutMs })).tokens).toBeDefined();
    expect(fake.calls[0]?.timeLeftMs).toBeGreaterThan(1e9);
  });
});
