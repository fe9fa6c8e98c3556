import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { descriptorsOf, ServiceWithWorkers } from '../support/service-with-workers.ts';

const { PASSWORD } = ServiceWithWorkers;

/** A separate connection, which does not reconnect. */
class Http2Connection {
  readonly #session: ClientHttp2Session;
  isAnswered = false;

  constructor(address: string) {
    this.#session = connectHttp2(`http://${address}`);
    this.#session.on('remoteSettings', () => {
      this.isAnswered = true;
    });
    this.#session.on('error', () => undefined);
  }

  close(): void {
    this.#session.destroy();
  }
}

/** How many sockets a process of this machine has. */
function socketsOf(pid: number): number {
  return descriptorsOf(pid).filter((target) => target.startsWith('socket:')).length;
}

/** The values of all series that never decrease. */
function totalsIn(page: string): ReadonlyMap<string, number> {
  const [, ...families] = page.split('# TYPE ');
  const lines = families
    .filter((family) => /^\S+ (counter|histogram)\n/.test(family))
    .flatMap((family) => family.split('\n').slice(1))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end))];
    }),
  );
}

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
    const context = await ServiceWithWorkers.start(environment);
    opened.push(() => context.stop());
    return { context, service: context.process };
  };
  /** The process id of a worker that is running. */
  const servingWorker = (context: ServiceWithWorkers): number => {
    const ended = new Set(context.logged('worker ended; replacing it').map(({ worker }) => worker));
    const [serving] = context.logged('worker is serving').filter(({ worker }) => !ended.has(worker));
    return Number(serving?.['pid']);
  };
  const workersIn = (service: LatchkeyProcess) =>
    new Set(service.log.flatMap(({ worker }) => (typeof worker === 'number' ? [worker] : [])));

  test("serve one address, accept each other's sessions, and stop gracefully", async () => {
    const { context, service } = await start();
    const first = context.client();
    const others = Array.from({ length: 5 }, () => context.client());
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
    const { context } = await start();
    for (let count = 0; count < 6; count += 1) await context.client().validate('x');
    const metrics = await context.metrics();
    expect(metrics).toContain('latchkey_verdicts_total{outcome="MALFORMED"} 6');
    expect(metrics).toMatch(/latchkey_rpc_duration_seconds_count\{[^}]*method="Validate",code="OK"\} 6/);
  });

  test('continue the counters of one that died', async () => {
    const context = await ServiceWithWorkers.start();
    opened.push(() => context.stop());
    for (let count = 0; count < 6; count += 1) await context.client().validate('x');
    const before = totalsIn(await context.metrics());
    process.kill(servingWorker(context), 'SIGKILL');
    await eventually(() => context.logged('worker ended; replacing it').length > 0);
    const after = totalsIn(await context.metrics());
    const dropped = [...before].filter(([series, total]) => !((after.get(series) ?? 0) >= total));
    expect(before.get('latchkey_verdicts_total{outcome="MALFORMED"}')).toBe(6);
    expect(dropped).toEqual([]);
  });

  test('replace one that has ended', async () => {
    const { context, service } = await start();
    const { worker, pid } = service.log.find(({ msg }) => msg === 'worker is serving') as {
      worker: number;
      pid: number;
    };
    process.kill(pid, 'SIGKILL');
    const death = () => service.log.find(({ msg }) => msg === 'worker ended; replacing it');
    await eventually(() => death() !== undefined);
    expect(death()).toMatchObject({ worker, pid, signal: 'SIGKILL' });
    expect(JSON.stringify(death())).not.toContain('[omitted]');
    await eventually(() => context.isReady());
    expect((await context.client().login({ password: PASSWORD })).tokens).toBeDefined();
    // Every running worker drains.
    const { code, log } = await service.stop();
    expect(log.at(-1)).toMatchObject({ msg: 'stopped', clean: true });
    expect(code).toBe(0);
  });

  test('leave no silent connection and no descriptor when one is killed while connections arrive', async () => {
    const { context, service } = await start();
    const before = socketsOf(service.pid);
    for (let round = 0; round < 2; round += 1) {
      const pid = servingWorker(context);
      // It is sent a connection and does not take it.
      process.kill(pid, 'SIGSTOP');
      const connections = Array.from({ length: 12 }, () => new Http2Connection(service.address));
      await eventually(() => connections.filter(({ isAnswered }) => isAnswered).length >= 11);
      process.kill(pid, 'SIGKILL');
      await eventually(() => connections.every(({ isAnswered }) => isAnswered));
      for (const connection of connections) connection.close();
      await eventually(() => context.isReady(), 15_000);
      await eventually(() => socketsOf(service.pid) <= before);
    }
  });

  test('stop at Ctrl-C, which every process of a terminal gets', async () => {
    const { service } = await start();
    const { code } = await service.stop('SIGINT');
    expect(code).toBe(0);
  });

  test('stop when the calls in progress have finished, on a Unix socket too', async () => {
    const { context, service } = await start({
      LATCHKEY_LISTEN: `unix:${join(dataDir, 'grpc.sock')}`,
      LATCHKEY_BCRYPT_COST: '12',
    });
    const caller = context.client();
    const login = caller.login({ password: PASSWORD });
    // On the same connection: an answer to this call means that the login has arrived.
    await caller.validate('x');
    const stopped = service.stop();
    expect((await login).tokens).toBeDefined();
    expect((await stopped).code).toBe(0);
  });

  test('report once that the address is taken', async () => {
    const { service } = await start();
    const { code, errors } = await LatchkeyProcess.run({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_REDIS_URL: 'redis://127.0.0.1:1',
      LATCHKEY_LISTEN: service.address,
      LATCHKEY_WORKERS: '2',
    });
    expect(code).toBe(1);
    expect(errors.match(/LATCHKEY_LISTEN: cannot listen on .*: listen EADDRINUSE/g)).toHaveLength(1);
  });

  test('report that they need Redis', async () => {
    const { code, errors } = await LatchkeyProcess.run({ LATCHKEY_DATA_DIR: dataDir, LATCHKEY_WORKERS: '2' });
    expect(code).toBe(78);
    expect(errors).toContain('LATCHKEY_REDIS_URL must be set, because LATCHKEY_WORKERS is 2');
  });

  test('report once why they cannot start', async () => {
    const { code, errors } = await LatchkeyProcess.run({
      LATCHKEY_DATA_DIR: '/dev/null/nowhere',
      LATCHKEY_REDIS_URL: 'redis://127.0.0.1:1',
      LATCHKEY_WORKERS: '2',
    });
    expect(code).toBe(1);
    expect(errors.match(/LATCHKEY_DATA_DIR/g)).toHaveLength(1);
  });
});
