import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { Supervisor, type WorkerProcess } from '../../src/app/workers/supervisor.ts';

/** A worker controlled by the test. */
class FakeWorker extends EventEmitter {
  readonly id: number;
  readonly process: { readonly pid: number };
  readonly orders: unknown[] = [];
  killed = false;

  constructor(id: number) {
    super();
    this.id = id;
    this.process = { pid: 1_000 + id };
  }

  send(order: unknown): void {
    this.orders.push(order);
  }

  kill(): void {
    this.killed = true;
    this.emit('exit', null, 'SIGKILL');
  }

  serves(): void {
    this.emit('message', { kind: 'serving', firstUser: undefined });
  }

  isAlive(): void {
    this.emit('message', { kind: 'alive' });
  }

  isReady(): void {
    this.emit('message', { kind: 'readiness', ready: true, reasons: [] });
  }

  ends(code: number): void {
    this.emit('exit', code, null);
  }
}

function supervised(workers: number) {
  const forked: FakeWorker[] = [];
  const timers = new Map<() => void, number>();
  /** The calls that the handover received. */
  const handoverCalls: string[] = [];
  const logged: object[] = [];
  const recording = (what: string) => (worker: unknown) =>
    handoverCalls.push(`${what} ${(worker as FakeWorker).id}`);
  let now = 0;
  const supervisor = new Supervisor({
    workers,
    fork: () => {
      const worker = new FakeWorker(forked.length + 1);
      forked.push(worker);
      return worker as unknown as WorkerProcess;
    },
    metrics: { add: () => undefined, remove: () => undefined, received: () => undefined },
    handover: { add: recording('add'), remove: recording('remove'), taken: recording('taken') },
    later: (run, ms) => {
      timers.set(run, ms);
      return () => timers.delete(run);
    },
    monotonic: () => now,
    drainMs: 5_000,
    logger: {
      info: () => undefined,
      error: (fields, msg) => logged.push({ ...fields, msg }),
    },
  });
  const worker = (number: number): FakeWorker => {
    const found = forked[number - 1];
    if (found === undefined) throw new RangeError(`worker ${number} was not started`);
    return found;
  };
  return {
    supervisor,
    forked,
    handoverCalls,
    logged,
    worker,
    waits: () => [...timers.values()],
    /** Those that are due within this time. The clock does not advance. */
    runTimers: (withinMs = Number.POSITIVE_INFINITY) => {
      for (const [run, ms] of [...timers]) {
        if (ms > withinMs) continue;
        timers.delete(run);
        run();
      }
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

async function running(workers: number) {
  const supervision = supervised(workers);
  const started = supervision.supervisor.start();
  supervision.worker(1).serves();
  await started;
  for (const worker of supervision.forked.slice(1)) worker.serves();
  for (const worker of supervision.forked) worker.isReady();
  return supervision;
}

describe('the supervisor', () => {
  test('starts the first worker alone, and the others once it serves', async () => {
    const { supervisor, forked, worker } = supervised(3);
    const started = supervisor.start();
    expect(forked).toHaveLength(1);
    worker(1).serves();
    expect(await started).toMatchObject({ kind: 'serving' });
    expect(forked).toHaveLength(3);
  });

  test('exits with the code of a first worker that could not start, and starts no other', async () => {
    const { supervisor, forked, worker } = supervised(3);
    const started = supervisor.start();
    worker(1).ends(78);
    await expect(started).rejects.toMatchObject({ name: 'WorkerEnded', code: 78 });
    expect(forked).toHaveLength(1);
  });

  test('names the signal that killed a first worker', async () => {
    const { supervisor, forked, worker } = supervised(3);
    const started = supervisor.start();
    worker(1).emit('exit', null, 'SIGKILL');
    await expect(started).rejects.toMatchObject({ code: null, message: expect.stringContaining('SIGKILL') });
    expect(forked).toHaveLength(1);
  });

  test('is ready when every worker is', async () => {
    const { supervisor, worker } = await running(2);
    expect(supervisor.readiness).toEqual({ ready: true, reasons: [] });
    worker(2).emit('message', { kind: 'readiness', ready: false, reasons: ['sessions: no answer'] });
    expect(supervisor.readiness).toEqual({ ready: false, reasons: ['worker 2: sessions: no answer'] });
  });

  test('is not ready while a worker that could handle sign-ins does not serve yet', async () => {
    const { supervisor, worker } = supervised(2);
    const started = supervisor.start();
    worker(1).serves();
    worker(1).isReady();
    await started;
    worker(2).isReady();
    expect(supervisor.readiness).toEqual({ ready: false, reasons: ['worker 2: starting'] });
    worker(2).serves();
    expect(supervisor.readiness.ready).toBe(true);
  });

  test('hands connections to a worker only while it serves', async () => {
    const { supervisor, handoverCalls, worker } = supervised(2);
    const started = supervisor.start();
    expect(handoverCalls).toEqual([]);
    worker(1).serves();
    await started;
    worker(2).serves();
    worker(2).emit('message', { kind: 'taken' });
    worker(1).ends(1);
    expect(handoverCalls).toEqual(['add 1', 'add 2', 'taken 2', 'remove 1']);
  });

  test('replaces a worker that ended, and is not ready in between', async () => {
    const { supervisor, forked, worker, runTimers } = await running(2);
    worker(2).ends(1);
    expect(supervisor.readiness).toEqual({ ready: false, reasons: ['1 of 2 workers are not running'] });
    runTimers();
    expect(forked).toHaveLength(3);
    worker(3).serves();
    worker(3).isReady();
    expect(supervisor.readiness.ready).toBe(true);
  });

  test('logs the exit code or the signal of a worker that ended, whichever it has', async () => {
    const { logged, worker, runTimers } = await running(2);
    worker(1).ends(7);
    worker(2).emit('exit', null, 'SIGKILL');
    runTimers();
    worker(3).ends(1);
    expect(logged).toEqual([
      { worker: 1, pid: 1_001, exitCode: 7, msg: 'worker ended; replacing it' },
      { worker: 2, pid: 1_002, signal: 'SIGKILL', msg: 'worker ended; replacing it' },
      { worker: 3, pid: 1_003, exitCode: 1, msg: 'worker failed to start; retrying' },
    ]);
  });

  test('kills a worker that hangs, logs that once, and replaces it', async () => {
    const { supervisor, forked, worker, pass, logged, runTimers } = await running(2);
    for (let second = 0; second < 10; second += 1) {
      pass(1_000);
      worker(1).isAlive();
      supervisor.killSilent();
    }
    expect([worker(1).killed, worker(2).killed]).toEqual([false, true]);
    runTimers();
    expect(forked).toHaveLength(3);
    expect(logged).toEqual([
      { worker: 2, pid: 1_002, silentMs: 10_000, msg: 'worker hangs; killing it' },
      { worker: 2, pid: 1_002, signal: 'SIGKILL', msg: 'worker ended; replacing it' },
    ]);
  });

  test('waits longer after each worker that ends early, and resets the delay after a stable one', async () => {
    const { worker, waits, runTimers, pass } = await running(2);
    worker(2).ends(1);
    expect(waits()).toEqual([100]);
    runTimers();
    worker(3).ends(1);
    expect(waits()).toEqual([200]);
    runTimers();
    worker(4).serves();
    pass(60_000);
    worker(4).ends(1);
    expect(waits()).toEqual([100]);
  });

  test('stops every worker gracefully and reports whether all of them stopped cleanly', async () => {
    const { supervisor, worker } = await running(2);
    const stopped = supervisor.stop();
    expect([worker(1).orders, worker(2).orders]).toEqual([[{ kind: 'stop' }], [{ kind: 'stop' }]]);
    expect(supervisor.readiness).toEqual({ ready: false, reasons: ['draining'] });
    worker(1).ends(0);
    worker(2).ends(0);
    expect(await stopped).toBe(true);
  });

  test('stops cleanly after a worker died and was replaced', async () => {
    const { supervisor, worker, runTimers } = await running(2);
    worker(2).emit('exit', null, 'SIGKILL');
    runTimers();
    worker(3).serves();
    const stopped = supervisor.stop();
    worker(1).ends(0);
    worker(3).ends(0);
    expect(await stopped).toBe(true);
  });

  test('kills a worker that is still starting when it stops, because it has no calls', async () => {
    const { supervisor, worker, runTimers } = await running(2);
    worker(2).ends(1);
    runTimers();
    const stopped = supervisor.stop();
    expect([worker(1).killed, worker(3).killed]).toEqual([false, true]);
    expect(worker(3).orders).toEqual([]);
    worker(1).ends(0);
    expect(await stopped).toBe(true);
  });

  test('does not stop cleanly if a worker dies in the meantime', async () => {
    const { supervisor, worker } = await running(2);
    const stopped = supervisor.stop();
    worker(1).ends(0);
    worker(2).emit('exit', null, 'SIGSEGV');
    expect(await stopped).toBe(false);
  });

  test('kills a worker that has not replied to the stop order by the end of the drain', async () => {
    const { supervisor, worker, pass, runTimers, logged } = await running(3);
    pass(500);
    const stopped = supervisor.stop();
    pass(10);
    worker(1).isAlive();
    worker(2).isAlive();
    pass(4_990);
    runTimers(5_000);
    expect([1, 2, 3].map((number) => worker(number).killed)).toEqual([false, false, true]);
    expect(logged.at(-1)).toEqual({
      worker: 3,
      pid: 1_003,
      silentMs: 5_500,
      msg: 'worker hangs; killing it',
    });
    runTimers(15_000);
    expect(worker(1).killed).toBe(true);
    expect(await stopped).toBe(false);
  });

  test('replaces no worker while it stops, and kills workers that do not stop in time', async () => {
    const { supervisor, forked, worker, runTimers } = await running(2);
    const stopped = supervisor.stop();
    worker(1).ends(0);
    runTimers();
    expect(worker(2).killed).toBe(true);
    expect(await stopped).toBe(false);
    expect(forked).toHaveLength(2);
  });
});
