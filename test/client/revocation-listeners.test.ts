import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  connect,
  expressGuard,
  grpcGuard,
  type LatchkeyClient,
  LatchkeyError,
  type Revocation,
} from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SESSION = '019b7600-0000-7000-8000-00000000bbbb';

let clock: ManualClock;
let service: FakeValidationService;
let client: LatchkeyClient;

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  service = await FakeValidationService.start(clock, []);
  client = connect(service.address, { credentials: { kind: 'plaintext' }, clock });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await client.close();
  service.close();
});

async function endSession(): Promise<void> {
  await eventually(() => service.watches.length > 0);
  service.tellCurrent(service.lastWatch, { revocations: [endOf(SESSION, clock.now())] });
}

describe('a listener for revocations', () => {
  test('is called even if the client is used for nothing else', async () => {
    const received: Revocation[] = [];
    client.onRevocation((revocation) => received.push(revocation));
    await endSession();
    await eventually(() => received.length > 0);
    expect(received).toMatchObject([{ kind: 'session', sessionId: SESSION, reason: 'LOGGED_OUT' }]);
    expect(received).toMatchObject([{ endedAt: new Date(clock.now()), expiresAt: expect.any(Date) }]);
  });

  test('that is registered twice is called twice, and once after one registration is removed', async () => {
    const received: Revocation[] = [];
    const listener = (revocation: Revocation) => received.push(revocation);
    const stop = client.onRevocation(listener);
    client.onRevocation(listener);
    await endSession();
    await eventually(() => received.length > 0);
    expect(received).toHaveLength(2);
    stop();
    service.tellCurrent(service.lastWatch, {
      revocations: [endOf('019b7600-0000-7000-8000-00000000dddd', clock.now())],
    });
    await eventually(() => received.length > 2);
    expect(received).toHaveLength(3);
  });

  test('that throws does not stop the other listeners, and its error is an uncaught exception', async () => {
    const uncaught: unknown[] = [];
    // An error thrown in a microtask cannot be caught. Here it would end the test.
    const { queueMicrotask: enqueue } = globalThis;
    jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      enqueue(() => {
        try {
          task();
        } catch (error) {
          uncaught.push(error);
        }
      });
    });
    const fault = new Error('The listener is broken.');
    client.onRevocation(() => {
      throw fault;
    });
    const received: Revocation[] = [];
    client.onRevocation((revocation) => received.push(revocation));
    await endSession();
    await eventually(() => received.length > 0 && uncaught.length > 0);
    expect(received).toMatchObject([{ sessionId: SESSION }]);
    expect(uncaught).toStrictEqual([fault]);
    expect(service.lastWatch.isCancelled).toBe(false);
  });
});

describe('a client in remote mode', () => {
  let remote: LatchkeyClient;

  beforeEach(() => {
    remote = connect(service.address, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  });

  afterEach(() => remote.close());

  test('refuses a listener for revocations, which it would never call', () => {
    const listen = () => remote.onRevocation(() => undefined);
    expect(listen).toThrow(LatchkeyError);
    expect(listen).toThrow(
      "onRevocation: a client in mode 'remote' receives no revocations. Use mode 'local'",
    );
  });

  test('can be used by guards', () => {
    expect(() => [grpcGuard(remote), expressGuard(remote)]).not.toThrow();
  });
});
