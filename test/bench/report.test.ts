import { describe, expect, test } from '@jest/globals';
import { requireQuiet } from '../../scripts/bench/machine.ts';
import { type Measurement, outcomeOf } from '../../scripts/bench/measurement.ts';
import { markdown, type Report } from '../../scripts/bench/report.ts';

const warm: Measurement = {
  what: 'Validate',
  unit: 'per second',
  measured: [26_000, 27_500, 27_000],
  reference: { name: 'echo', values: [29_000, 30_000, 31_000] },
  bar: { kind: 'ratio at least', value: 0.9 },
  notes: ['measured with care.'],
  details: {},
};
const refresh: Measurement = {
  what: 'Refresh',
  unit: 'per second',
  measured: [2_000, 2_500, 2_999],
  bar: { kind: 'at least', value: 3_000 },
  notes: [],
  details: {},
};
const storm: Measurement = {
  what: 'p99',
  unit: 'ms',
  measured: [3, 4, 3.5],
  reference: { name: 'idle', values: [2, 1.75, 1.5] },
  bar: { kind: 'ratio at most', value: 2 },
  notes: [],
  details: {},
};
const size: Measurement = {
  what: 'A session',
  unit: 'bytes',
  measured: [626],
  bar: { kind: 'at most', value: 450 },
  notes: [],
  details: {},
};
const report: Report = {
  measuredAt: '2026-11-21T10:00:00.000Z',
  machine: { cores: 2, cpu: 'A CPU', system: 'Linux', node: '24.1.0', redis: '7.0.15', h2load: '1.52.0' },
  options: { rounds: 3, seconds: 5, sessions: 1_000_000 },
  busyBefore: 0.01,
  measurements: [warm, refresh, storm, size, { ...size, what: 'An entry', bar: undefined }],
};

describe('a result', () => {
  test('is the ratio of the medians, with the worst and the best round', () => {
    const outcome = outcomeOf(warm);
    expect(outcome).toMatchObject({ measured: 27_000, reference: 30_000, ratio: 0.9, met: true });
    expect(outcome.ratioRange).toEqual([27_000 / 31_000, 27_500 / 30_000]);
  });

  test('misses a bar by any difference', () => {
    expect(outcomeOf({ ...warm, measured: [26_999] }).met).toBe(false);
    expect(outcomeOf(refresh).met).toBe(false);
    expect(outcomeOf(storm).met).toBe(true);
    expect(outcomeOf({ ...storm, measured: [3.6] }).met).toBe(false);
    expect(outcomeOf(size).met).toBe(false);
    expect(outcomeOf({ ...size, measured: [450] }).met).toBe(true);
  });

  test('cannot be a ratio to zero', () => {
    expect(() => outcomeOf({ ...refresh, bar: warm.bar })).toThrow('nothing to be compared with');
  });
});

describe('the table', () => {
  test('shows what was measured, against what, and which bars were missed', () => {
    const lines = markdown(report).split('\n');
    expect(lines).toContain('| Validate | 27,000/s | echo 30,000/s | 0.90 (0.87 to 0.92) | >= 0.90 | yes |');
    expect(lines).toContain('| Refresh | 2,500/s |  |  | >= 3,000/s | **missed** |');
    expect(lines).toContain('| p99 | 3.50 ms | idle 1.75 ms | 2.00 (1.50 to 2.33) | <= 2.00 | yes |');
    expect(lines).toContain('| A session | 626 bytes |  |  | <= 450 bytes | **missed** |');
    expect(lines).toContain('- Validate: measured with care.');
  });

  test('shows rows without a bar', () => {
    expect(markdown(report).split('\n')).toContain('| An entry | 626 bytes |  |  |  |  |');
  });

  test('names the machine', () => {
    expect(markdown(report)).toContain(
      '2 cores (A CPU), Linux, Node 24.1.0, Redis 7.0.15 without persistence',
    );
  });
});

describe('the comparison of validation modes', () => {
  const local: Measurement = {
    what: 'locally',
    unit: 'per second',
    measured: [500_000, 700_000, 600_000],
    notes: [],
    peer: { p50Us: [1, 1.5, 2], p99Us: [3, 4, 5], cpuUs: [1.6, 1.7, 1.8], acceptedForMs: [0, 0.5, 0.25, 0] },
    details: {},
  };
  const { acceptedForMs: _, ...withoutLogout } = local.peer ?? { p50Us: [], p99Us: [], cpuUs: [] };
  const lines = markdown({
    ...report,
    measurements: [
      warm,
      local,
      { ...local, what: 'blindly', peer: withoutLogout },
      { ...local, what: 'at once', peer: { ...withoutLogout, acceptedForMs: [0, 0] } },
    ],
  }).split('\n');

  test('is a separate table, with the medians, and how often and how long a token was accepted after logout', () => {
    expect(lines).toContain(
      '| locally | 600,000/s | 1.50 µs | 4.00 µs | 1.70 µs | 2 of 4, longest 0.500 ms |',
    );
    expect(lines.filter((line) => line.startsWith('| locally'))).toHaveLength(1);
  });

  test('distinguishes modes without logout from modes that accepted no token after it', () => {
    expect(lines.find((line) => line.startsWith('| blindly'))).toContain('until the token expires, 15 min');
    expect(lines.find((line) => line.startsWith('| at once'))).toContain('| 0 of 2 |');
  });

  test('is omitted if nothing was compared', () => {
    expect(markdown(report)).not.toContain('one caller validates with');
    expect(markdown({ ...report, measurements: [local] })).not.toContain('compared with');
  });
});

describe('a run on a busy machine', () => {
  test('is marked below its table and is not published', () => {
    expect(markdown({ ...report, busyBefore: 0.3 })).toContain('**Disturbed**: 30 %');
    expect(() => requireQuiet(0.3)).toThrow('30 % of the machine is in use');
  });

  test('is distinguished from one on an idle machine', () => {
    const text = markdown(report);
    expect(text).toContain('\n1 % of the machine was in use before the run.');
    expect(text).not.toContain('Disturbed');
    expect(() => requireQuiet(0.01)).not.toThrow();
  });
});
