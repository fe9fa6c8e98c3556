import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MetricsReport } from './cluster-metrics.ts';
import { RpcDurations } from './rpc-durations.ts';

/** Names of gRPC status codes by number, for the `code` label. */
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** Values that are read only at each scrape. */
export interface Readings {
  /** Audit events in the outbox when this process last read it. */
  readonly auditBacklog: () => number;
  /** Password checks waiting for a thread. */
  readonly bcryptWaiting: () => number;
  /** Age of the local copy of revocations; milliseconds. Undefined until the first complete round. */
  readonly copyAgeMs: () => number | undefined;
  /** Revocations in the local copy. */
  readonly revocations: () => number;
  /** Open WatchSession streams. */
  readonly sessionWatchers: () => number;
  readonly ticketWatchers: () => number;
  /** Open WatchRevocations streams. */
  readonly subscribers: () => number;
  /** Lookups in the cache of verified tokens since the start. */
  readonly tokenCache: () => { readonly hits: number; readonly misses: number };
}

/** Counts one event by its outcome. */
export type Count = (outcome: string) => void;

/**
 * The metrics for Prometheus. Validate is recorded tens of thousands of times per second, so recording must take less
 * than a microsecond. Values are summed here, and the library gets labels only at a scrape.
 */
export class Metrics {
  /** Counts a verdict, by `accepted` or the reason of the rejection. */
  readonly countVerdict: Count;
  /** Counts a login, by `opened` or the reason why no session was opened. */
  readonly countLogin: Count;
  /** Counts a security event, by its kind. */
  readonly countSecurityEvent: Count;
  /** Counts a bcrypt thread that died and was replaced. */
  readonly countLostThread: () => void;
  readonly #registry = new Registry();
  readonly #durations: RpcDurations;

  constructor() {
    this.#durations = new RpcDurations(this.#registry);
    this.countVerdict = this.#outcomes(
      'latchkey_verdicts_total',
      'Verdicts on access tokens, by outcome: accepted, or the reason of the rejection.',
    );
    this.countLogin = this.#outcomes(
      'latchkey_logins_total',
      'Logins, by outcome: opened, or the reason why no session was opened.',
    );
    this.countSecurityEvent = this.#outcomes(
      'latchkey_security_events_total',
      'Security events: sign-ins, refreshes, ended sessions, changed users.',
      'event',
    );
    const lostThreads = new Counter({
      name: 'latchkey_bcrypt_threads_lost_total',
      help: 'bcrypt threads that ended unexpectedly and were replaced.',
      registers: [this.#registry],
    });
    this.countLostThread = () => lostThreads.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Resolves the labels of one rpc. Returns a function that records one call. */
  recorder(rpc: {
    readonly service: string;
    readonly name: string;
  }): (code: number, elapsedMs: number) => void {
    const byCode = new Map<number, ReturnType<RpcDurations['series']>>();
    return (code, elapsedMs) => {
      let series = byCode.get(code);
      if (series === undefined) {
        const { service, name: method } = rpc;
        series = this.#durations.series({ service, method, code: STATUS_NAMES[code] ?? String(code) });
        byCode.set(code, series);
      }
      series.add(elapsedMs);
    };
  }

  /** Registers the values that are read at every scrape. Must be called only once. */
  watch(readings: Readings): void {
    this.#gauge(
      'latchkey_bcrypt_queue_waiting',
      'Password checks waiting for a thread.',
      readings.bcryptWaiting,
    );
    this.#gauge(
      'latchkey_audit_backlog',
      'Audit events that wait to be stored in SQL.',
      readings.auditBacklog,
      'max',
    );
    this.#gauge(
      'latchkey_revocation_set_size',
      'Revocations in the local copy.',
      readings.revocations,
      'max',
    );
    const copyAge = () => {
      const ageMs = readings.copyAgeMs();
      return ageMs === undefined ? Number.NaN : ageMs / 1_000;
    };
    this.#gauge(
      'latchkey_revocation_copy_age_seconds',
      'Age of the local copy of revocations, in seconds.',
      copyAge,
      'max',
    );
    this.#gauge('latchkey_session_watchers', 'Open WatchSession streams.', readings.sessionWatchers);
    this.#gauge('latchkey_ticket_watchers', 'Open WatchTicket streams.', readings.ticketWatchers);
    this.#gauge('latchkey_revocation_subscribers', 'Open WatchRevocations streams.', readings.subscribers);
    new Counter({
      name: 'latchkey_token_cache_lookups_total',
      help: 'Lookups in the cache of verified access tokens, by result.',
      labelNames: ['result'],
      registers: [this.#registry],
      collect() {
        const { hits, misses } = readings.tokenCache();
        this.reset();
        this.inc({ result: 'hit' }, hits);
        this.inc({ result: 'miss' }, misses);
      },
    });
  }

  /** Registers the default Node.js metrics: CPU, memory, event loop and garbage collection. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** All metrics, to be aggregated with those of other processes. */
  report(): Promise<MetricsReport> {
    return this.#registry.getMetricsAsJSON();
  }

  /** All metrics in Prometheus text format. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts here and passes totals at a scrape, because the library's counter hashes labels on every count. */
  #outcomes(name: string, help: string, label = 'outcome'): Count {
    const counts = new Map<string, number>();
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [outcome, count] of counts) this.inc({ [label]: outcome }, count);
      },
    });
    return (outcome) => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  /** @param aggregator how values of several workers are combined. */
  #gauge(name: string, help: string, read: () => number, aggregator: 'sum' | 'max' = 'sum'): void {
    new Gauge({
      name,
      help,
      aggregator,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
