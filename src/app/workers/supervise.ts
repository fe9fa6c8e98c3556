import cluster from 'node:cluster';
import type { Config } from '../../config.ts';
import { ClusterMetrics } from '../../telemetry/cluster-metrics.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../../validator/clock.ts';
import { Closers } from '../closers.ts';
import { openMetricsEndpoint } from '../serving.ts';
import type { ServingReport } from './messages.ts';
import { Supervisor } from './supervisor.ts';

/** Beyond the drain that each worker gives its calls. */
const STOP_PATIENCE_MS = 10_000;

/** The workers, and the endpoint that answers for all of them. */
export interface SupervisedWorkers {
  readonly metricsUrl: string | undefined;
  /** What the first worker said when it served. Fails with `WorkerEnded` if it could not. */
  start(): Promise<ServingReport>;
  /** Answers whether every worker ended in good order. */
  close(): Promise<boolean>;
  /** Ends them at once. */
  kill(): void;
}

/**
 * Opens the endpoint of metrics and health; `start` then starts the workers, processes of node:cluster that share
 * one listening address. Connections are handed to them in turn, and each has a revocation feed, a token cache and
 * connections of its own.
 */
export async function superviseWorkers(
  config: Config,
  clock: Clock,
  logger: Logger,
): Promise<SupervisedWorkers> {
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
  const closers = new Closers();
  const metricsUrl = await openMetricsEndpoint(config.metricsListen, closers, {
    metrics: new ClusterMetrics(),
    readiness: () => supervisor.readiness,
  });
  return {
    metricsUrl,
    start: async () => {
      try {
        return await supervisor.start();
      } catch (error) {
        await closers.close();
        throw error;
      }
    },
    close: async () => {
      const clean = await supervisor.stop();
      await closers.close();
      return clean;
    },
    kill: () => supervisor.killAll(),
  };
}
