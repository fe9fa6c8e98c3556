import { describe, expect, test } from '@jest/globals';
import { ClusterMetrics } from '../../src/telemetry/cluster-metrics.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

const VALIDATE = { service: 'latchkey.v1.IdentityService', name: 'Validate' };

interface FakeWorker {
  readonly metrics: Metrics;
  isHung: boolean;
}

/** The metrics of two serving workers, each with one subscriber. */
function cluster(answerWithinMs?: number) {
  const all = new ClusterMetrics<FakeWorker>(answerWithinMs);
  const join = (): FakeWorker => {
    const worker = { metrics: new Metrics(), isHung: false };
    worker.metrics.watch({
      auditBacklog: () => 7,
      bcryptWaiting: () => 0,
      copyAgeMs: () => 0,
      revocations: () => 12,
      sessionWatchers: () => 4,
      ticketWatchers: () => 5,
      subscribers: () => 1,
      tokenCache: () => ({ hits: 5, misses: 0 }),
    });
    all.add(worker, () => {
      if (!worker.isHung) void worker.metrics.report().then((report) => all.received(worker, report));
    });
    return worker;
  };
  const lines = async () => (await all.text()).split('\n');
  return { all, join, first: join(), second: join(), lines };
}

describe('the metrics of all workers', () => {
  test('are sums of counters and histograms, and sums or maxima of gauges', async () => {
    const { first, second, lines } = cluster();
    first.metrics.countVerdict('accepted');
    second.metrics.countVerdict('accepted');
    first.metrics.recorder(VALIDATE)(0, 1);
    second.metrics.recorder(VALIDATE)(0, 3);
    const labels = 'service="latchkey.v1.IdentityService",method="Validate",code="OK"';
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'latchkey_verdicts_total{outcome="accepted"} 2',
        `latchkey_rpc_duration_seconds_bucket{le="0.001",${labels}} 1`,
        `latchkey_rpc_duration_seconds_count{${labels}} 2`,
        'latchkey_revocation_subscribers 2',
        'latchkey_revocation_set_size 12',
      ]),
    );
  });

  test('keep the counters and histograms of workers that have ended, and drop their gauges', async () => {
    const { all, join, first, second, lines } = cluster();
    for (const { metrics } of [first, second]) {
      metrics.countVerdict('accepted');
      metrics.recorder(VALIDATE)(0, 1);
    }
    await lines();
    all.remove(first);
    all.remove(second);
    const expected = [
      'latchkey_verdicts_total{outcome="accepted"} 2',
      expect.stringMatching(/^latchkey_rpc_duration_seconds_sum.* 0\.002$/),
      'latchkey_token_cache_lookups_total{result="hit"} 10',
    ];
    expect(await lines()).toEqual(expect.arrayContaining(expected));
    expect((await lines()).join('\n')).not.toContain('latchkey_revocation_subscribers');
    const third = join();
    third.metrics.countVerdict('accepted');
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'latchkey_verdicts_total{outcome="accepted"} 3',
        'latchkey_token_cache_lookups_total{result="hit"} 15',
        'latchkey_revocation_subscribers 1',
      ]),
    );
  });

  test('are collected without delay if a worker ends instead of answering', async () => {
    const { all, first, lines } = cluster();
    await lines();
    first.isHung = true;
    const scraped = lines();
    all.remove(first);
    expect(await scraped).toContain('latchkey_token_cache_lookups_total{result="hit"} 10');
  });

  test('include the last totals of a worker that does not answer, and none of its gauges', async () => {
    const { first, lines } = cluster(50);
    await lines();
    first.isHung = true;
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'latchkey_token_cache_lookups_total{result="hit"} 10',
        'latchkey_revocation_subscribers 1',
      ]),
    );
  });
});
