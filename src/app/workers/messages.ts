import type { MetricsReport } from '../../telemetry/cluster-metrics.ts';
import type { Readiness } from '../../telemetry/http-endpoint.ts';
import type { Started } from '../started.ts';

/** From a worker to the supervisor. */
export type WorkerReport =
  | ServingReport
  /** The event loop runs. Sent every `BEAT_MS`, and in reply to a stop order. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'metrics'; readonly metrics: MetricsReport }
  | { readonly kind: 'readiness'; readonly ready: boolean; readonly reasons: readonly string[] }
  /** The worker has taken its last connection. */
  | { readonly kind: 'taken' };

/** The worker serves and can receive connections. */
export interface ServingReport extends Pick<Started, 'firstUser'> {
  readonly kind: 'serving';
}

/** From the supervisor to a worker: stop gracefully. */
export interface StopOrder {
  readonly kind: 'stop';
}

/** From the supervisor to a worker: send your metrics. */
export interface MetricsOrder {
  readonly kind: 'metrics';
}

/** From the supervisor to a worker: serve the connection sent with this message. */
export interface ConnectionOrder {
  readonly kind: 'connection';
}

export function readinessReport({ ready, reasons }: Readiness): WorkerReport {
  return { kind: 'readiness', ready, reasons };
}

const REPORT_KINDS: readonly unknown[] = ['serving', 'alive', 'metrics', 'readiness', 'taken'];

/** Needed because libraries in both processes also send messages. */
export function isReport(message: unknown): message is WorkerReport {
  return REPORT_KINDS.includes(kindOf(message));
}

export function isStopOrder(message: unknown): message is StopOrder {
  return kindOf(message) === 'stop';
}

export function isMetricsOrder(message: unknown): message is MetricsOrder {
  return kindOf(message) === 'metrics';
}

export function isConnectionOrder(message: unknown): message is ConnectionOrder {
  return kindOf(message) === 'connection';
}

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined;
}
