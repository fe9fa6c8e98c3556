import cluster from 'node:cluster';
import { Socket } from 'node:net';
import type { WorkerRole } from '../site.ts';
import { BEAT_MS } from './heartbeats.ts';
import {
  isConnectionOrder,
  isMetricsOrder,
  isStopOrder,
  readinessReport,
  type WorkerReport,
} from './messages.ts';

/** This process as one of several workers. */
export interface WorkerSelf extends WorkerRole {
  /** From 1 on; a worker that replaces another has a number of its own. */
  readonly id: number;
  readonly report: (report: WorkerReport) => void;
  /**
   * Resolves when the supervisor says so, is gone, or a signal came. To be called right before the worker reports that
   * it serves: until then the system ends it at a signal, even while its thread is held by a file or a lock.
   */
  readonly stopOrder: () => Promise<string>;
}

/** Undefined: this process is not a worker. */
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
        // Node passes no connection if the peer has closed it meanwhile.
        if (connection instanceof Socket) serve(connection);
        report({ kind: 'taken' });
      });
    },
    reportMetrics: (make) => {
      process.on('message', async (message) => {
        if (!isMetricsOrder(message)) return;
        // Without a report the supervisor goes on with the last one.
        const metrics = await make().catch(() => undefined);
        if (metrics !== undefined) report({ kind: 'metrics', metrics });
      });
    },
    stopOrder: () => stopOrder(reportAlive),
  };
}

/** A signal from a terminal comes to all processes of it: the supervisor's order then is no second one. */
function stopOrder(reportAlive: () => void): Promise<string> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (!isStopOrder(message)) return;
      reportAlive();
      resolve('the order of the supervisor');
    });
    process.on('disconnect', () => resolve('the end of the supervisor'));
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
}
