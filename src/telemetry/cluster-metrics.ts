import { AggregatorRegistry, Registry } from 'prom-client';

/** A snapshot of one process's metrics, from `Metrics.report`. */
export type MetricsReport = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** How long a scrape waits for workers. A busy worker responds in milliseconds, and Prometheus waits 10 s. */
const ANSWER_WITHIN_MS = 2_000;

interface Member {
  /** Requests a report from the worker. */
  readonly ask: () => void;
  /** The last report. */
  report: MetricsReport;
  /** Pending while the worker has not answered. */
  asked: PromiseWithResolvers<void> | undefined;
}

/**
 * Aggregates the metrics of all workers, for the supervisor. Counters and histograms never decrease: the last report
 * of a worker that ended or does not answer still counts. Its gauges do not.
 */
export class ClusterMetrics<Worker> {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #members = new Map<Worker, Member>();
  readonly #answerWithinMs: number;
  /** The totals of all workers that have ended, in one report. */
  #ended: Promise<MetricsReport> = Promise.resolve([]);

  constructor(answerWithinMs = ANSWER_WITHIN_MS) {
    this.#answerWithinMs = answerWithinMs;
  }

  /** @param ask requests a report from this worker. */
  add(worker: Worker, ask: () => void): void {
    this.#members.set(worker, { ask, report: [], asked: undefined });
  }

  /** Stores the report of a worker. */
  received(worker: Worker, report: MetricsReport): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    member.report = report;
    member.asked?.resolve();
    member.asked = undefined;
  }

  /** Removes a worker that has ended, and keeps its totals. */
  remove(worker: Worker): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    this.#members.delete(worker);
    member.asked?.resolve();
    const totals = totalsOf(member.report);
    this.#ended = this.#ended.then((ended) =>
      AggregatorRegistry.aggregate([ended, totals]).getMetricsAsJSON(),
    );
  }

  /** The metrics in Prometheus text format. */
  async text(): Promise<string> {
    await this.#askAll();
    // Collected before the next await, so that a worker that ends meanwhile is counted only once.
    const running = [...this.#members.values()].map(({ report, asked }) =>
      asked === undefined ? report : totalsOf(report),
    );
    return AggregatorRegistry.aggregate([await this.#ended, ...running]).metrics();
  }

  /** Resolves when every worker has answered or ended, or at the timeout. */
  async #askAll(): Promise<void> {
    const answers = [...this.#members.values()].map((member) => {
      if (member.asked === undefined) {
        member.asked = Promise.withResolvers();
        member.ask();
      }
      return member.asked.promise;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#answerWithinMs);
    });
    await Promise.race([Promise.all(answers), late]);
    clearTimeout(timer);
  }
}

/** The metrics that never decrease. */
function totalsOf(report: MetricsReport): MetricsReport {
  // At run time the types are strings, but the library declares them as numbers.
  return report.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
}
