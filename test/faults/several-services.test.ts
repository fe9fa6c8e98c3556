import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const ADMIN = { username: 'admin', password: 'correct horse battery' };
const CALLERS = 3;
const RUN_MS = 12_000;
/** A second until a call is overdue, a second for the health check, and some for this machine. */
const FOUND_OUT_MS = 4_000;
const SLOW_MS = 1_000;

interface Attempt {
  /** When it began; milliseconds from the start of the run. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly error: LatchkeyError | undefined;
}

describe('a client of three services, one of which', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  let services: LatchkeyProcess[];
  let client: LatchkeyClient;
  let opened: (() => unknown)[];

  beforeEach(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-several-'));
    redis = await RedisServer.start();
    proxy = await TcpProxy.open(redis.port);
    opened = [
      () => rmSync(dataDir, { recursive: true, force: true }),
      () => redis.stop(),
      () => proxy.close(),
    ];
    services = [];
    for (const port of [redis.port, redis.port, proxy.port]) {
      const service = await LatchkeyProcess.start({
        LATCHKEY_DATA_DIR: dataDir,
        LATCHKEY_REDIS_URL: `redis://127.0.0.1:${port}`,
        LATCHKEY_BOOTSTRAP_PASSWORD: ADMIN.password,
        LATCHKEY_DRAIN_DELAY: '0s',
      });
      services.push(service);
      opened.push(() => service.stop());
    }
    client = connect(
      services.map(({ address }) => address),
      { credentials: { kind: 'plaintext' }, mode: 'remote' },
    );
    opened.push(() => client.close());
    for (let count = 0; count < 9; count += 1) await client.login(ADMIN);
  }, 60_000);

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
  }, 60_000);

  const third = () => services[2] as LatchkeyProcess;
  const run = async (call: () => Promise<unknown>): Promise<readonly Attempt[]> => {
    const attempts: Attempt[] = [];
    const begunAt = performance.now();
    const caller = async () => {
      while (performance.now() - begunAt < RUN_MS) {
        const atMs = performance.now() - begunAt;
        const error = await call().then(
          () => undefined,
          (caught: LatchkeyError) => caught,
        );
        attempts.push({ atMs, tookMs: performance.now() - begunAt - atMs, error });
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return attempts;
  };
  const failed = (attempts: readonly Attempt[]) => attempts.filter(({ error }) => error !== undefined);
  const loginsServed = async (service: LatchkeyProcess) => {
    const metrics = await (await fetch(`${service.metricsUrl}/metrics`)).text();
    return Number(/duration_seconds_count\{[^}]*method="Login",code="OK"\} (\d+)/.exec(metrics)?.[1] ?? 0);
  };
  /** Until it has served another login. */
  const isUsedAgain = async (service: LatchkeyProcess) => {
    const before = await loginsServed(service);
    await eventually(async () => {
      await client.login(ADMIN);
      return (await loginsServed(service)) > before;
    }, 15_000);
  };

  test('is frozen: each caller loses at most one login, and the service is used again afterwards', async () => {
    third().freeze();
    const attempts = await run(() => client.login(ADMIN));
    third().thaw();
    expect(attempts.length).toBeGreaterThan(20);
    const lost = failed(attempts);
    expect(lost.length).toBeLessThanOrEqual(CALLERS);
    for (const { atMs } of lost) expect(atMs).toBeLessThan(FOUND_OUT_MS);
    await isUsedAgain(third());
  }, 60_000);

  test('is frozen: no validation fails, and each caller has at most one slow one', async () => {
    const { tokens } = await client.login(ADMIN);
    third().freeze();
    const attempts = await run(() => client.identity.validate({ accessToken: tokens?.accessToken ?? '' }));
    third().thaw();
    expect(failed(attempts)).toEqual([]);
    const slow = attempts.filter(({ tookMs }) => tookMs > SLOW_MS);
    expect(slow.length).toBeLessThanOrEqual(CALLERS);
    for (const { atMs, tookMs } of slow) expect(atMs + tookMs).toBeLessThan(2 * FOUND_OUT_MS);
  }, 60_000);

  test('has lost Redis: logins fail only until it reports that, validations do not fail, and it is used again', async () => {
    const { tokens } = await client.login(ADMIN);
    proxy.silence();
    const logins = run(() => client.login(ADMIN));
    const validations = await run(() => client.identity.validate({ accessToken: tokens?.accessToken ?? '' }));
    const attempts = await logins;
    expect((await fetch(`${third().metricsUrl}/readyz`)).status).toBe(503);
    expect(attempts.length).toBeGreaterThan(20);
    const lost = failed(attempts);
    expect(lost.length).toBeLessThanOrEqual(CALLERS);
    for (const { atMs, error } of lost) {
      expect(atMs).toBeLessThan(FOUND_OUT_MS);
      expect(error).toBeInstanceOf(LatchkeyError);
    }
    expect(failed(validations)).toEqual([]);
    proxy.speak();
    await isUsedAgain(third());
  }, 60_000);
});
