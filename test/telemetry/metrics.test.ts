import { describe, expect, test } from '@jest/globals';
import { Metrics } from '../../src/telemetry/metrics.ts';

const VALIDATE = { service: 'latchkey.v1.IdentityService', name: 'Validate' };

async function linesOf(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).split('\n');
}

describe('the metrics', () => {
  test('count and time calls by rpc and status', async () => {
    const metrics = new Metrics();
    const record = metrics.recorder(VALIDATE);
    record(0, 0.2);
    record(0, 3);
    record(14, 40);
    const lines = await linesOf(metrics);
    const labels = 'service="latchkey.v1.IdentityService",method="Validate"';
    expect(lines).toContain('# TYPE latchkey_rpc_duration_seconds histogram');
    expect(lines).toContain(`latchkey_rpc_duration_seconds_bucket{le="0.00025",${labels},code="OK"} 1`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_bucket{le="+Inf",${labels},code="OK"} 2`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_sum{${labels},code="OK"} 0.0032`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_sum{${labels},code="UNAVAILABLE"} 0.04`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_count{${labels},code="OK"} 2`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_bucket{le="0.001",${labels},code="OK"} 1`);
    expect(lines).toContain(`latchkey_rpc_duration_seconds_count{${labels},code="UNAVAILABLE"} 1`);
  });

  test('sum two recorders of one rpc', async () => {
    const metrics = new Metrics();
    metrics.recorder(VALIDATE)(0, 1);
    metrics.recorder(VALIDATE)(0, 1);
    expect(await metrics.text()).toMatch(/_count\{[^}]*code="OK"\} 2\n/);
  });

  test('count verdicts and logins by outcome, and lost threads', async () => {
    const metrics = new Metrics();
    metrics.countVerdict('accepted');
    metrics.countVerdict('accepted');
    metrics.countVerdict('EXPIRED');
    metrics.countLogin('LOGIN_QUEUE_FULL');
    metrics.countLostThread();
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'latchkey_verdicts_total{outcome="accepted"} 2',
        'latchkey_verdicts_total{outcome="EXPIRED"} 1',
        'latchkey_logins_total{outcome="LOGIN_QUEUE_FULL"} 1',
        'latchkey_bcrypt_threads_lost_total 1',
      ]),
    );
  });

  test('read gauges at the time of the scrape', async () => {
    const metrics = new Metrics();
    let waiting = 1;
    let copyAgeMs: number | undefined;
    metrics.watch({
      auditBacklog: () => 7,
      bcryptWaiting: () => waiting,
      copyAgeMs: () => copyAgeMs,
      revocations: () => 12,
      sessionWatchers: () => 4,
      ticketWatchers: () => 5,
      subscribers: () => 3,
      tokenCache: () => ({ hits: 30, misses: 4 }),
    });
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'latchkey_audit_backlog 7',
        'latchkey_bcrypt_queue_waiting 1',
        'latchkey_revocation_copy_age_seconds Nan',
        'latchkey_revocation_set_size 12',
        'latchkey_revocation_subscribers 3',
        'latchkey_session_watchers 4',
        'latchkey_token_cache_lookups_total{result="hit"} 30',
        'latchkey_token_cache_lookups_total{result="miss"} 4',
      ]),
    );
    waiting = 2;
    copyAgeMs = 250;
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'latchkey_bcrypt_queue_waiting 2',
        'latchkey_revocation_copy_age_seconds 0.25',
        'latchkey_token_cache_lookups_total{result="hit"} 30',
      ]),
    );
  });

  test('include those of the process if requested', async () => {
    const metrics = new Metrics();
    expect(await metrics.text()).not.toContain('process_cpu');
    metrics.watchProcess();
    expect(await metrics.text()).toContain('process_cpu_seconds_total');
  });

  test('of two instances are separate', async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.countVerdict('accepted');
    expect(await other.text()).not.toContain('accepted"');
  });
});
