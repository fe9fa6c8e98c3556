import { getEventListeners } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { refusalStatus } from '../../src/client/guard/refusal-status.ts';
import { type ConnectOptions, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { claimsAt, TestKey } from '../support/test-keys.ts';

/** Earlier than the silence limit of a stream, which is three heartbeats. */
const BEFORE_SILENCE_MS = 2_500;
const SESSION = '019b7600-0000-7000-8000-00000000bbbb';

let key: TestKey;
let clock: ManualClock;
const services: FakeValidationService[] = [];
const clients: LatchkeyClient[] = [];

beforeAll(async () => {
  key = await TestKey.make('key-1');
});

beforeEach(() => {
  clock = new ManualClock(Date.now());
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const client of clients.splice(0)) await client.close();
  for (const service of services.splice(0)) service.close();
});

async function serve(): Promise<FakeValidationService> {
  const service = await FakeValidationService.start(clock, [key]);
  services.push(service);
  return service;
}

function open(options: ConnectOptions = {}): LatchkeyClient {
  const addresses = services.map(({ address }) => address);
  const client = connect(addresses, { credentials: { kind: 'plaintext' }, clock, ...options });
  clients.push(client);
  return client;
}

const good = () => key.sign(claimsAt(clock.now()));

describe('the revocation follower of a client', () => {
  test("requests heartbeats at a fifth of the bound, and sends the caller's token", async () => {
    const service = await serve();
    await open({ maxStalenessMs: 2_000, token: 'mine' }).ready();
    expect(service.lastWatch).toMatchObject({
      authorization: 'Bearer mine',
      request: {
        afterRevision: '',
        coveredSince: undefined,
        heartbeatInterval: { seconds: 0, nanos: 400e6 },
      },
    });
  });

  test('does not start before it is needed', async () => {
    const service = await serve();
    const client = open();
    await client.login({ username: 'ada', password: 'x' });
    expect(service.callsOf('WatchRevocations') + service.callsOf('GetSigningKeys')).toBe(0);
  });

  test('accepts no token based on a message that was delayed beyond the bound', async () => {
    const service = await serve();
    const client = open();
    await client.ready();
    const token = await good();
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    clock.advance(60_000);
    service.tellCurrent(service.lastWatch, { ageMs: 5_001 });
    await eventually(() => client.staleness.ageMs < 60_000);
    expect(client.staleness.ageMs).toBe(5_001);
    service.failures.set('BatchValidate', { code: status.INTERNAL });
    await expect(client.validate(token)).rejects.toMatchObject({ code: status.INTERNAL });
    service.tellCurrent(service.lastWatch, { ageMs: 5_000 });
    await eventually(() => client.staleness.ageMs === 5_000);
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
  });

  test('resumes after the last revision when the stream has ended', async () => {
    const service = await serve();
    service.coveredSince = 12_345;
    const client = open();
    await client.ready();
    const revocations = [endOf(SESSION, clock.now())];
    service.lastWatch.send({ revocations, revision: '101-0' });
    await eventually(async () => (await client.validate(await good())).kind === 'rejected');
    service.lastWatch.fail(status.UNAVAILABLE);
    await eventually(() => service.watches.length === 2);
    expect(service.lastWatch.request).toMatchObject({
      afterRevision: '101-0',
      coveredSince: new Date(12_345),
    });
    expect(await client.validate(await good())).toMatchObject({ reason: 'SESSION_ENDED' });
  });

  test('starts at the beginning if the log started over', async () => {
    const service = await serve();
    await open().ready();
    service.revision = '';
    service.tellCurrent(service.lastWatch, { isStart: true });
    service.lastWatch.fail(status.ABORTED);
    await eventually(() => service.watches.length === 2);
    expect(service.lastWatch.request).toMatchObject({ afterRevision: '', coveredSince: undefined });
  });

  test('leaves a silent stream for another address', async () => {
    const [first, second] = [await serve(), await serve()];
    await open({ maxStalenessMs: 500 }).ready();
    const [silent, other] = first.watches.length === 1 ? [first, second] : [second, first];
    expect(other.watches).toHaveLength(0);
    await eventually(() => other.watches.length === 1 && silent.lastWatch.isCancelled);
    expect(other.lastWatch.request.afterRevision).toBe('100-0');
  });

  test('keeps a stream as long as messages arrive', async () => {
    const service = await serve();
    await open({ maxStalenessMs: 500 }).ready();
    const until = performance.now() + 1_500;
    await eventually(() => {
      service.tellCurrent(service.lastWatch);
      return performance.now() > until;
    });
    expect(service.watches).toHaveLength(1);
  });

  test('is reopened when the wall clock was set', async () => {
    const service = await serve();
    const client = open();
    await client.ready();
    clock.set(3_600_000);
    service.tellCurrent(service.lastWatch);
    await eventually(() => service.watches.length === 2, BEFORE_SILENCE_MS);
    await client.ready();
    expect(client.staleness.ageMs).toBe(0);
  });

  test('is soon reopened after a slow start, because its messages seem old', async () => {
    const service = await serve();
    const { greet } = service;
    service.greet = (watch) => {
      service.greet = greet;
      clock.advance(4_000);
      greet(watch);
    };
    const client = open();
    await client.ready();
    expect(client.staleness.ageMs).toBe(4_000);
    await eventually(() => service.watches.length === 2, BEFORE_SILENCE_MS);
    await eventually(() => client.staleness.ageMs === 0);
  });

  test('retries while it is refused, and reports why it is not ready', async () => {
    const service = await serve();
    service.failures.set('WatchRevocations', { code: status.PERMISSION_DENIED });
    const client = open();
    await expect(client.ready(300)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await eventually(() => service.callsOf('WatchRevocations') > 1);
    service.failures.clear();
    await client.ready();
  });

  test('gets a new token if the service rejects the one that opened the stream', async () => {
    const service = await serve();
    await open({ serviceAccount: { username: 'billing', password: 'x' } }).ready();
    expect(service.callsOf('Refresh')).toBe(0);
    const { code, details, metadata } = refusalStatus({
      kind: 'unauthenticated',
      message: 'The session has ended.',
      tokenSent: true,
      nextStep: 'REFRESH',
    });
    service.lastWatch.fail(code, details, metadata);
    await eventually(() => service.watches.length === 2);
    expect(service.callsOf('Refresh')).toBe(1);
  });

  test('releases everything of ended streams', async () => {
    const listening = jest.spyOn(AbortSignal.prototype, 'addEventListener');
    const service = await serve();
    await open().ready();
    for (const count of [2, 3, 4]) {
      service.lastWatch.fail(status.UNAVAILABLE);
      await eventually(() => service.watches.length === count);
    }
    const counts = listening.mock.contexts.map(
      (signal) => getEventListeners(signal as AbortSignal, 'abort').length,
    );
    expect(Math.max(...counts)).toBe(1);
  });

  test('is reopened after five minutes, because monotonic clocks drift apart', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const service = await serve();
    await open().ready();
    const [elapse] = timers.mock.calls.find(([, ms]) => ms === 300_000) ?? [];
    elapse?.();
    await eventually(
      () => service.watches.length === 2 && service.watches[0]?.isCancelled === true,
      BEFORE_SILENCE_MS,
    );
    expect(service.lastWatch.request.afterRevision).toBe('100-0');
  });

  test('leaves an address that reports no freshness for one that does', async () => {
    const [sick, well] = [await serve(), await serve()];
    for (const service of [sick, well]) service.greet = () => undefined;
    const client = open({ maxStalenessMs: 500 });
    const ready = client.ready(8_000);
    await eventually(() => sick.watches.length + well.watches.length === 1);
    const [first, second] = sick.watches.length === 1 ? [sick, well] : [well, sick];
    second.greet = (watch) => second.tellCurrent(watch, { isStart: true });
    first.lastWatch.send({ revision: '' });
    await ready;
    expect(second.watches).toHaveLength(1);
  });
});
