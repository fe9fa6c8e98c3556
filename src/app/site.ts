import type { Socket } from 'node:net';
import type { Config } from '../config.ts';
import type { MetricsReport } from '../telemetry/cluster-metrics.ts';
import type { Readiness } from '../telemetry/http-endpoint.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Clock } from '../validator/clock.ts';
import type { Closers } from './closers.ts';

/** What the parts are built with, and what each adds to. */
export interface Site {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly closers: Closers;
  /** Undefined: this process serves alone. */
  readonly worker: WorkerRole | undefined;
}

/** What one worker of several has to do with the others. */
export interface WorkerRole {
  /** Serves each connection that the supervisor accepts and hands to this worker. */
  readonly serveConnections: (serve: (connection: Socket) => void) => void;
  /** Told whether sign-in can work, whenever that changes: the supervisor answers for all. */
  readonly onReadiness: (readiness: Readiness) => void;
  /** Sends the supervisor a report whenever it asks: it answers scrapes for all. */
  readonly reportMetrics: (report: () => Promise<MetricsReport>) => void;
}

export const MINUTE_MS = 60_000;

/** How long the record of an ended session tells why. */
export const TOMBSTONE_TTL_MS = 24 * 60 * MINUTE_MS;

/** The log and the published keys outlive the last access token by this. */
export const AFTER_LAST_TOKEN_MS = MINUTE_MS;

/**
 * Several rounds within the staleness bound, so that one that fails does not break it, and short ones: a validator
 * elsewhere is as current as the beginning of the last round that was complete.
 */
export function feedWaitMs({ maxStalenessMs }: Config): number {
  return Math.min(250, Math.max(10, Math.floor(maxStalenessMs / 10)));
}
