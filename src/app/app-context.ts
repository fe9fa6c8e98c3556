import type { Socket } from 'node:net';
import { v7 } from 'uuid';
import type { Config } from '../config.ts';
import type { IdSource } from '../core/ids.ts';
import type { MetricsReport } from '../telemetry/cluster-metrics.ts';
import type { Readiness } from '../telemetry/http-endpoint.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Clock } from '../validator/clock.ts';
import type { Closers } from './closers.ts';

/** Dependencies that all parts of the service share. */
export interface AppContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly closers: Closers;
  /** Undefined: this is the only process. */
  readonly worker: WorkerRole | undefined;
}

/** How a worker interacts with the supervisor. */
export interface WorkerRole {
  /** Registers the function that serves connections from the supervisor. */
  readonly serveConnections: (serve: (connection: Socket) => void) => void;
  /** Reports a change of readiness to the supervisor, which answers probes for all workers. */
  readonly onReadiness: (readiness: Readiness) => void;
  /** Sends metrics to the supervisor on request. The supervisor answers scrapes for all workers. */
  readonly reportMetrics: (report: () => Promise<MetricsReport>) => void;
}

export const ids: IdSource = { next: (atMs) => v7({ msecs: atMs }) };

export const MINUTE_MS = 60_000;

/** How long the tombstone of an ended session is kept. */
export const TOMBSTONE_TTL_MS = 24 * 60 * MINUTE_MS;

/** How long the log and the published keys outlive the last access token. */
export const AFTER_LAST_TOKEN_MS = MINUTE_MS;

/**
 * How long one round of the follower waits, 10 to 250 ms. Several rounds fit into the staleness bound, so one may fail.
 * Short rounds keep clients current, because `as_of` is when the last complete round began.
 */
export function followerWaitMs({ maxStalenessMs }: Config): number {
  return Math.min(250, Math.max(10, Math.floor(maxStalenessMs / 10)));
}
