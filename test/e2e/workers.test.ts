import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';

describe('several workers', () => {
  let dataDir: string;
  let opened: (() => unknown)[];

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-workers-'));
    opened = [];
  });

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (environment: Record<string, string> = {}) => {
    const redis = await RedisServer.start();
    opened.push(() => redis.stop());
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_WORKERS: '3',
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      ...environment,
    });
    opened.push(() => service.stop());
    const readyz = async () => (await fetch(`${service.metricsUrl}/readyz`)).status === 200;
    await eventually(readyz);
    return { service, readyz };
  };
  /** A client with a connection of its own: these are handed to the workers in turn. */
  const client = (service: LatchkeyProcess) => {
    const made = new IdentityClient(service.address, { 'grpc.use_local_subchannel_pool': 1 });
    opened.push(() => made.close());
    return made;
  };
  const workersIn = (service: LatchkeyProcess) =>
    new Set(service.log.flatMap(({ worker }) => (typeof worker === 'number' ? [worker] : [])));

  test('serve one address, know of each other’s sessions, and end in good order', async () => {
    const { service } = await start();
    const first = client(service);
    const others = Array.from({ length: 5 }, () => client(service));
    const { tokens } = await first.login({ password: PASSWORD });
    const accessToken = tokens?.accessToken ?? '';
    for (const other of others) {
      expect((await other.validate(accessToken)).verdict?.$case).toBe('identity');
    }
    await first.logout({ $case: 'accessToken', value: accessToken });
    for (const one of [first, ...others]) {
      await eventually(async () => (await one.validate(accessToken)).verdict?.$case === 'rejection');
    }
    const { code } = await service.stop();
    expect(code).toBe(0);
    expect(workersIn(service).size).toBe(3);
  });

  test('are counted together', async () => {
    const { service } = await start();
    for (let count = 0; count < 6; count += 1) await client(service).validate('x');
    const metrics = await (await fetch(`${service.metricsUrl}/metrics`)).text();
    expect(metrics).toContain('latchkey_verdicts_total{outcome="MALFORMED"} 6');
    expect(metrics).toMatch(/latchkey_rpc_duration_seconds_count\{[^}]*method="Validate",code="OK"\} 6/);
  });

  test('replace one that is gone', async () => {
    const { service, readyz } = await start();
    const { worker, pid } = service.log.find(({ msg }) => msg === 'worker serves') as {
      worker: number;
      pid: number;
    };
    process.kill(pid, 'SIGKILL');
    await eventually(() =>
      service.log.some(({ msg, worker: id }) => msg === 'a worker ended by itself' && id === worker),
    );
    await eventually(readyz);
    expect((await client(service).login({ password: PASSWORD })).tokens).toBeDefined();
  });

  test('end at Ctrl-C, which every process of a terminal gets', async () => {
    const { service } = await start();
    const { code } = await service.stop('SIGINT');
    expect(code).toBe(0);
  });

  test('need Redis, and are told so', async () => {
    const { code, errors } = await LatchkeyProcess.run({ LATCHKEY_DATA_DIR: dataDir, LATCHKEY_WORKERS: '2' });
    expect(code).toBe(78);
    expect(errors).toContain('LATCHKEY_REDIS_URL must be set, since LATCHKEY_WORKERS is 2');
  });

  test('say once why they cannot start', async () => {
    const { code, errors } = await LatchkeyProcess.run({
      LATCHKEY_DATA_DIR: '/dev/null/nowhere',
      LATCHKEY_REDIS_URL: 'redis://127.0.0.1:1',
      LATCHKEY_WORKERS: '2',
    });
    expect(code).toBe(1);
    expect(errors.match(/LATCHKEY_DATA_DIR/g)).toHaveLength(1);
  });
});
