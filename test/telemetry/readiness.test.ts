import { describe, expect, test } from '@jest/globals';
import type { Readiness } from '../../src/telemetry/http-endpoint.ts';
import { ReadinessProbe } from '../../src/telemetry/readiness.ts';
import { eventually } from '../support/eventually.ts';

describe('readiness', () => {
  test('is reported when it changes, with the reasons, and ends as draining', async () => {
    const reported: Readiness[] = [];
    let works = false;
    const probe = new ReadinessProbe({
      probes: {
        database: async () => undefined,
        sessions: async () => {
          if (!works) throw new Error('refused');
        },
      },
      intervalMs: 1,
      onChange: (readiness) => reported.push(readiness),
    });
    expect(probe.current).toEqual({ ready: false, reasons: ['starting'] });
    await probe.start();
    expect(probe.current).toEqual({ ready: false, reasons: ['sessions: no answer'] });
    works = true;
    await eventually(() => probe.current.ready);
    works = false;
    await eventually(() => !probe.current.ready);
    await probe.close();
    expect(reported.map(({ ready }) => ready)).toEqual([false, true, false]);
    expect(probe.current).toEqual({ ready: false, reasons: ['draining'] });
  });
});
