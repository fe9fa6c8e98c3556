import type { Readiness } from '../../telemetry/http-endpoint.ts';
import type { Started } from '../started.ts';

/** From a worker to the supervisor. */
export type WorkerReport =
  | ServingReport
  | { readonly kind: 'readiness'; readonly ready: boolean; readonly reasons: readonly string[] };

/** The worker serves; the address is the same for all of them. */
export interface ServingReport extends Started {
  readonly kind: 'serving';
}

/** From the supervisor to a worker: end in good order. */
export interface StopOrder {
  readonly kind: 'stop';
}

export function readinessReport({ ready, reasons }: Readiness): WorkerReport {
  return { kind: 'readiness', ready, reasons };
}

/** The libraries in both processes send each other messages too. */
export function isReport(message: unknown): message is WorkerReport {
  const kind = kindOf(message);
  return kind === 'serving' || kind === 'readiness';
}

export function isStopOrder(message: unknown): message is StopOrder {
  return kindOf(message) === 'stop';
}

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined;
}
