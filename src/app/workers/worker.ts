import cluster from 'node:cluster';
import { Socket } from 'node:net';
import type { WorkerRole } from '../app-context.ts';
import { BEAT_MS } from './heartbeats.ts';
import {
  isConnectionOrder,
  isMetricsOrder,
  isStopOrder,
  readinessReport,
  type WorkerReport,
} from './messages.ts';

/** This process as a worker. */
export interface WorkerSelf extends WorkerRole {
  /** Starts at 1. A replacement gets a new number. */
  readonly id: number;
  readonly report: (report: WorkerReport) => void;
  /**
   * Resolves on a stop order, on the end of the supervisor, or on a signal. Must be called right before the worker
   * reports that it serves. Until then a signal ends the process, even if a file or lock blocks its thread.
   */
  readonly stopOrder: () => Promise<string>;
}

/** Undefined if this process is not a worker. */
export function workerSelf(): WorkerSelf | undefined {
  const { worker } = cluster;
  if (worker === undefined) return undefined;
  const report = (message: WorkerReport) => {
    if (process.connected) process.send?.(message);
  };
  const reportAlive = () => report({ kind: 'alive' });
  setInterval(reportAlive, BEAT_MS).unref();
  return {
    id: worker.id,
    report,
    onReadiness: (readiness) => report(readinessReport(readiness)),
    serveConnections: (serve) => {
      process.on('message', (message, connection) => {
        if (!isConnectionOrder(message)) return;
        // Node passes no connection if the peer has already closed it.
        if (connection instanceof Socket) serve(connection);
        report({ kind: 'taken' });
      });
    },
    reportMetrics: (make) => {
      process.on('message', async (message) => {
        if (!isMetricsOrder(message)) return;
        // Without a report the supervisor uses the last one.
        const metrics = await make().catch(() => undefined);
        if (metrics !== undefined) report({ kind: 'metrics', metrics });
      });
    },
    stopOrder: () => stopOrder(reportAlive),
  };
}

/** A terminal sends a signal to all its processes, so an order of the supervisor may follow a signal. */
function stopOrder(reportAlive: () => void): Promise<string> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (!isStopOrder(message)) return;
      reportAlive();
      resolve('order of the supervisor');
    });
    process.on('disconnect', () => resolve('end of the supervisor'));
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
}
