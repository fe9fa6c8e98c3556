import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MetricsReport } from './cluster-metrics.ts';
import { RpcDurations } from './rpc-durations.ts';

/** Names of gRPC status codes by number (the `code` label). */
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

/** Numbers that are asked for when they are scraped, so that keeping them costs nothing in between. */
export interface Readings {
  /** Password checks that wait for a thread. */
  readonly bcryptWaiting: () => number;
  /** How old the knowledge of endings is, milliseconds; undefined: not known yet. */
  readonly feedAgeMs: () => number | undefined;
  /** Endings that are held against living tokens. */
  readonly revocations: () => number;
  /** Streams of WatchRevocations that are open. */
  readonly watchers: () => number;
  /** Answers of the cache of verified tokens since the start. */
  readonly tokenCache: () => { readonly hits: number; readonly misses: number };
}

/** Anything that can be counted by its outcome. */
export type Count = (outcome: string) => void;

/**
 * What Prometheus sees. Recording costs a fraction of a microsecond, since Validate is recorded tens of thousands of
 * times a second: numbers are added up here, and labels are the library's concern at the scrape.
 */
export class Metrics {
  /** Counts a verdict, by `accepted` or the reason of the rejection. */
  readonly countVerdict: Count;
  /** Counts a login, by `opened` or the reason of the failure. */
  readonly countLogin: Count;
  /** Counts a security event, by its kind. */
  readonly countSecurityEvent: Count;
  /** Counts a thread of bcrypt that died and was replaced. */
  readonly countLostThread: () => void;
  readonly #registry = new Registry();
  readonly #durations: RpcDurations;

  constructor() {
    this.#durations = new RpcDurations(this.#registry);
    this.countVerdict = this.#outcomes(
      'latchkey_verdicts_total',
      'Verdicts on access tokens: accepted, or the reason of the rejection.',
    );
    this.countLogin = this.#outcomes(
      'latchkey_logins_total',
      'Logins: opened, or the reason of the failure.',
    );
    this.countSecurityEvent = this.#outcomes(
      'latchkey_security_events_total',
      'Security events: sign-ins, refreshes, ended sessions, changed users.',
      'event',
    );
    const lostThreads = new Counter({
      name: 'latchkey_bcrypt_threads_lost_total',
      help: 'Threads of bcrypt that ended by themselves and were replaced.',
      registers: [this.#registry],
    });
    this.countLostThread = () => lostThreads.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Resolves the labels of one rpc; what it answers records one call. */
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

  /** Adds what is read at every scrape. Once. */
  watch(readings: Readings): void {
    this.#gauge(
      'latchkey_bcrypt_queue_waiting',
      'Password checks that wait for a thread.',
      readings.bcryptWaiting,
    );
    this.#gauge(
      'latchkey_revocation_set_size',
      'Endings that are held against living tokens.',
      readings.revocations,
      'max',
    );
    const feedAge = () => {
      const ageMs = readings.feedAgeMs();
      return ageMs === undefined ? Number.NaN : ageMs / 1_000;
    };
    this.#gauge(
      'latchkey_revocation_feed_age_seconds',
      'How old the knowledge of endings is.',
      feedAge,
      'max',
    );
    this.#gauge(
      'latchkey_revocation_watchers',
      'Streams that are told what ends, as it ends.',
      readings.watchers,
    );
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

  /** Adds processor, memory, event loop and garbage collection, under the names that every Node service uses. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Everything, to be added up with that of other processes. */
  report(): Promise<MetricsReport> {
    return this.#registry.getMetricsAsJSON();
  }

  /** Everything, in Prometheus' text format. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts here and tells the library at the scrape: its own counter hashes the labels at every count. */
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

  /** @param aggregator what is told of several workers together. */
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
