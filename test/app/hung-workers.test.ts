import cluster, { type Worker } from 'node:cluster';
import { performance } from 'node:perf_hooks';
import { expect, test } from '@jest/globals';
import { BEAT_MS } from '../../src/app/workers/heartbeats.ts';
import { Supervisor } from '../../src/app/workers/supervisor.ts';
import { eventually } from '../support/eventually.ts';

const EXEC = new URL('../support/idle-worker.ts', import.meta.url).pathname;
const TIME_LIMIT_MS = 15_000;

test('a suspended worker is killed and replaced', async () => {
  cluster.setupPrimary({ exec: EXEC, serialization: 'advanced' });
  const workers: Worker[] = [];
  const logged: { readonly msg: string; readonly pid?: unknown }[] = [];
  const ignored = () => undefined;
  const supervisor = new Supervisor({
    workers: 2,
    fork: () => {
      const worker = cluster.fork();
      workers.push(worker);
      return worker;
    },
    handover: { add: ignored, remove: ignored, taken: ignored },
    metrics: { add: ignored, remove: ignored, received: ignored },
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    monotonic: () => performance.now(),
    silenceMs: 4 * BEAT_MS,
    drainMs: 1_000,
    logger: {
      info: (_, msg) => logged.push({ msg }),
      error: ({ pid }, msg) => logged.push({ msg, pid }),
    },
  });
  const said = (msg: string) => logged.filter((entry) => entry.msg === msg);
  const watch = setInterval(() => supervisor.killSilent(), BEAT_MS);
  try {
    await supervisor.start();
    await eventually(() => said('another worker is serving').length === 1, TIME_LIMIT_MS);
    const pid = workers[1]?.process.pid;
    workers[1]?.process.kill('SIGSTOP');
    await eventually(() => said('another worker is serving').length === 2, TIME_LIMIT_MS);
    expect(said('worker hangs; killing it')).toEqual([{ msg: 'worker hangs; killing it', pid }]);
    expect(await supervisor.stop()).toBe(true);
    expect(workers.map(({ process: { exitCode } }) => exitCode)).toEqual([0, null, 0]);
  } finally {
    clearInterval(watch);
    supervisor.killAll();
  }
});
