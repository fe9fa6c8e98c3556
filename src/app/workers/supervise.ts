import cluster from 'node:cluster';
import type { Config } from '../../config.ts';
import { ClusterMetrics } from '../../telemetry/cluster-metrics.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../../validator/clock.ts';
import { Closers } from '../closers.ts';
import { openMetricsEndpoint } from '../serving.ts';
import type { App } from '../started.ts';
import { Supervisor } from './supervisor.ts';

/** Beyond the drain that each worker gives its calls. */
const STOP_PATIENCE_MS = 10_000;

/**
 * Starts the workers, processes of node:cluster that share one listening address, and the endpoint of metrics and
 * health that answers for all of them. Connections are handed to them in turn, and each has a revocation feed, a token
 * cache and connections of its own. Fails with `WorkerEnded` if the first one cannot start.
 */
export async function superviseWorkers(config: Config, clock: Clock, logger: Logger): Promise<App> {
  // Structured cloning: in JSON a number that is not known (NaN) would become null, and then 0.
  cluster.setupPrimary({ serialization: 'advanced' });
  const supervisor = new Supervisor({
    workers: config.workers,
    fork: () => cluster.fork(),
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    monotonic: () => clock.monotonic(),
    stopPatienceMs: config.drainDelayMs + config.drainTimeoutMs + STOP_PATIENCE_MS,
    logger,
  });
  // Whatever ends this process at once ends its workers with it.
  process.once('exit', () => supervisor.killAll());
  const closers = new Closers();
  const metricsUrl = await openMetricsEndpoint(config.metricsListen, closers, {
    metrics: new ClusterMetrics(),
    readiness: () => supervisor.readiness,
  });
  try {
    const { address, firstUser } = await supervisor.start();
    return {
      address,
      firstUser,
      metricsUrl,
      close: async () => {
        const clean = await supervisor.stop();
        await closers.close();
        return clean;
      },
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
