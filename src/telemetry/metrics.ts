import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

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

/** From a validation out of memory to a login that waited its turn; seconds. */
const DURATION_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Numbers that are asked for when they are scraped, so that keeping them costs nothing in between. */
export interface Readings {
  /** Password checks that wait for a thread. */
  readonly bcryptWaiting: () => number;
  /** How old the knowledge of endings is, milliseconds; undefined: not known yet. */
  readonly feedAgeMs: () => number | undefined;
  /** Endings that are held against living tokens. */
  readonly revocations: () => number;
  /** Answers of the cache of verified tokens since the start. */
  readonly tokenCache: () => { readonly hits: number; readonly misses: number };
}

/** Anything that can be counted by its outcome. */
export type Count = (outcome: string) => void;

/**
 * What Prometheus sees. Recording costs a fraction of a microsecond: every label is resolved once and the
 * child kept, since Validate is recorded tens of thousands of times a second.
 */
export class Metrics {
  /** Counts a verdict, by `accepted` or the reason of the rejection. */
  readonly countVerdict: Count;
  /** Counts a login, by `opened` or the reason of the failure. */
  readonly countLogin: Count;
  /** Counts a thread of bcrypt that died and was replaced. */
  readonly countLostThread: () => void;
  readonly #registry = new Registry();
  readonly #durations: Histogram<'service' | 'method' | 'code'>;

  constructor() {
    const registers = [this.#registry];
    this.#durations = new Histogram({
      name: 'latchkey_rpc_duration_seconds',
      help: 'Time from the decoded request to the answer, by rpc and status.',
      labelNames: ['service', 'method', 'code'],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.countVerdict = byOutcome(
      new Counter({
        name: 'latchkey_verdicts_total',
        help: 'Verdicts on access tokens: accepted, or the reason of the rejection.',
        labelNames: ['outcome'],
        registers,
      }),
    );
    this.countLogin = byOutcome(
      new Counter({
        name: 'latchkey_logins_total',
        help: 'Logins: opened, or the reason of the failure.',
        labelNames: ['outcome'],
        registers,
      }),
    );
    const lostThreads = new Counter({
      name: 'latchkey_bcrypt_threads_lost_total',
      help: 'Threads of bcrypt that ended by themselves and were replaced.',
      registers,
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
    const children = new Map<number, { observe(seconds: number): void }>();
    return (code, elapsedMs) => {
      let child = children.get(code);
      if (child === undefined) {
        child = this.#durations.labels(rpc.service, rpc.name, STATUS_NAMES[code] ?? String(code));
        children.set(code, child);
      }
      child.observe(elapsedMs / 1_000);
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
    );
    this.#gauge('latchkey_revocation_feed_age_seconds', 'How old the knowledge of endings is.', () => {
      const ageMs = readings.feedAgeMs();
      return ageMs === undefined ? Number.NaN : ageMs / 1_000;
    });
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

  /** Everything, in Prometheus' text format. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}

/** One child for each outcome that ever came, resolved when it came first. */
function byOutcome(counter: Counter<'outcome'>): Count {
  const children = new Map<string, { inc(): void }>();
  return (outcome) => {
    let child = children.get(outcome);
    if (child === undefined) {
      child = counter.labels(outcome);
      children.set(outcome, child);
    }
    child.inc();
  };
}
