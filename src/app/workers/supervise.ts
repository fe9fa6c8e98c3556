import cluster from 'node:cluster';
import type { Config } from '../../config.ts';
import { ClusterMetrics } from '../../telemetry/cluster-metrics.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../../validator/clock.ts';
import { Closers } from '../closers.ts';
import { listenStep, openMetricsEndpoint } from '../serving.ts';
import type { App } from '../started.ts';
import { Handover } from './handover.ts';
import { BEAT_MS } from './heartbeats.ts';
import { openListener } from './listener.ts';
import { Supervisor, type WorkerProcess } from './supervisor.ts';

/**
 * Serves metrics and health for all workers, listens, starts the workers and hands connections to them in turn. Each
 * worker has its own revocation follower, token cache and store connections. Rejects with `WorkerEnded` if the first
 * worker cannot start.
 *
 * node:cluster only starts the processes. If it also listened, a connection sent to a worker that dies before taking
 * it would stay open forever without being served.
 */
export async function superviseWorkers(config: Config, clock: Clock, logger: Logger): Promise<App> {
  // Structured cloning keeps NaN, an unknown metric value. JSON would turn it into null, and then 0.
  cluster.setupPrimary({ serialization: 'advanced' });
  const handover = new Handover();
  const metrics = new ClusterMetrics<WorkerProcess>();
  const supervisor = new Supervisor({
    workers: config.workers,
    fork: () => cluster.fork(),
    handover,
    metrics,
    later,
    monotonic: () => clock.monotonic(),
    drainMs: config.drainDelayMs + config.drainTimeoutMs,
    logger,
  });
  // The workers must end with this process, however it exits.
  process.once('exit', () => supervisor.killAll());
  const closers = new Closers();
  const metricsUrl = await openMetricsEndpoint(config.metricsListen, closers, {
    metrics,
    readiness: () => supervisor.readiness,
  });
  try {
    const { listen, drainDelayMs } = config;
    const listener = await listenStep(listen, () =>
      openListener(listen, (connection) => handover.hand(connection)),
    );
    closers.add(() => listener.close());
    const watch = setInterval(() => supervisor.killSilent(), BEAT_MS);
    closers.add(() => clearInterval(watch));
    const { firstUser } = await supervisor.start();
    return {
      address: listener.address,
      firstUser,
      metricsUrl,
      close: async () => {
        // The workers accept new connections until the drain delay is over.
        const cancelTimer = later(() => listener.close(), drainDelayMs);
        const clean = await supervisor.stop();
        cancelTimer();
        await closers.close();
        return clean;
      },
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function later(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
