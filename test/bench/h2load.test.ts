import { describe, expect, test } from '@jest/globals';
import { faultIn, parseH2load } from '../../scripts/bench/load/h2load.ts';

const finished = `starting benchmark...
spawning thread #0: 4 total client(s). 1000 total requests
Application protocol: h2c
progress: 100% done

finished in 37.12ms, 26941.11 req/s, 5.27MB/s
requests: 1000 total, 1000 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 200.20KB (205001) total, 8.91KB (9120) headers (space savings 93.28%), 164.06KB (168000) data
                     min         max         mean         sd        +/- sd
time for request:      823us     31.73ms      2.02ms      2.39ms    96.51%
`;

describe('the output of h2load', () => {
  test('of a finished run is parsed completely', () => {
    expect(parseH2load(finished)).toEqual({
      requestsPerSecond: 26941.11,
      total: 1000,
      succeeded: 1000,
      failed: 0,
      errored: 0,
      timeout: 0,
      status2xx: 1000,
      dataBytes: 168_000,
    });
  });

  test('without a result causes an error that shows it', () => {
    expect(() => parseH2load('failed to connect')).toThrow('failed to connect');
  });

  test('with only the right answers has no fault', () => {
    expect(faultIn(parseH2load(finished), { requests: 1000, answerBytes: 168 })).toBeUndefined();
    expect(faultIn(parseH2load(finished), { requests: 1000, answerBytes: 171 })).toBeUndefined();
  });

  test('with a failed or unsent request has a fault', () => {
    const failing = parseH2load(finished.replace('1000 succeeded, 0 failed', '998 succeeded, 2 failed'));
    expect(faultIn(failing, { requests: 1000, answerBytes: 168 })).toContain('998 succeeded, 2 failed');
    expect(faultIn(parseH2load(finished), { requests: 2000, answerBytes: 168 })).toBeDefined();
  });

  test('with refusals, which have status 200 and no message, has a fault', () => {
    const refused = parseH2load(finished.replace('(168000) data', '(0) data'));
    expect(faultIn(refused, { requests: 1000, answerBytes: 168 })).toContain('0.0 bytes on average');
  });

  test('with rejections, which are shorter than an identity, has a fault', () => {
    const rejected = parseH2load(finished.replace('(168000) data', '(41000) data'));
    expect(faultIn(rejected, { requests: 1000, answerBytes: 168 })).toContain('the right one has 168');
  });
});
