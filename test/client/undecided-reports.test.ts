import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type GuardOptions, withLimitedReports } from '../../src/client/guard/admission.ts';
import { expressGuard } from '../../src/client/guard/express-guard.ts';
import { grpcGuard } from '../../src/client/guard/grpc-guard.ts';
import { eventually } from '../support/eventually.ts';
import { EchoService } from './support/echo-service.ts';
import { FakeValidator } from './support/fake-validator.ts';

describe('reports of calls that could not be validated', () => {
  let reports: (readonly [error: unknown, calls: number])[];
  let report: (error: unknown) => void;

  beforeEach(() => {
    jest.useFakeTimers();
    reports = [];
    const { onUndecided } = withLimitedReports({
      onUndecided: (error, calls) => reports.push([error, calls]),
    });
    report = (error) => onUndecided?.(error, 1);
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test('report the first call at once, and later ones together with their number', () => {
    for (let call = 1; call <= 1_000; call += 1) report(`fault ${call}`);
    expect(reports).toStrictEqual([['fault 1', 1]]);
    jest.advanceTimersByTime(1_000);
    expect(reports.slice(1)).toStrictEqual([['fault 1000', 999]]);
  });

  test('continue once a second while there are any', () => {
    for (let step = 0; step < 100; step += 1) {
      report('fault');
      jest.advanceTimersByTime(100);
    }
    expect(reports).toHaveLength(11);
    expect(reports.reduce((sum, [, calls]) => sum + calls, 0)).toBe(100);
  });

  test('are immediate again after a second without any', () => {
    report('a');
    jest.advanceTimersByTime(1_000);
    report('b');
    expect(reports).toStrictEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a guard reports at most once a second, and counts every call', () => {
  const CALLS = 30;
  const open: (() => unknown)[] = [];
  let reports: number;
  let counted: number;
  const options: GuardOptions = {
    onUndecided: (_error, calls) => {
      reports += 1;
      counted += calls;
    },
  };

  beforeEach(() => {
    reports = 0;
    counted = 0;
  });

  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });

  async function expectFewReports(call: () => Promise<unknown>): Promise<void> {
    const begun = performance.now();
    await Promise.all(Array.from({ length: CALLS }, call));
    await eventually(() => counted === CALLS);
    // One at once, and one for each second of the test.
    expect(reports).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - begun) / 1_000));
  }

  test('of gRPC', async () => {
    const service = await EchoService.start({}, [grpcGuard(new FakeValidator(), options)]);
    open.push(() => service.close());
    const authorization = 'Bearer down';
    await expectFewReports(() => service.open('Unary', ['hello'], { authorization }).outcome);
  });

  test('of HTTP', async () => {
    const guard = expressGuard(new FakeValidator(), options);
    const server: Server = createServer((request, response) => {
      guard.signedIn(request, response, () => response.end());
    }).listen(0, '127.0.0.1');
    open.push(() => server.close());
    await eventually(() => server.listening);
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: 'Bearer down', connection: 'close' };
    await expectFewReports(async () => (await fetch(`http://127.0.0.1:${port}/`, { headers })).text());
  });
});
