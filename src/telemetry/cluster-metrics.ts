import { AggregatorRegistry, Registry } from 'prom-client';

/** The metrics of one process at one moment, as `Metrics.report` makes them. */
export type MetricsReport = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** How long a scrape waits for workers. One that is busy answers in milliseconds; Prometheus waits 10 s. */
const ANSWER_WITHIN_MS = 2_000;

interface Member {
  /** Asks the worker for a report. */
  readonly ask: () => void;
  /** The last one. */
  report: MetricsReport;
  /** The worker was asked and has not answered yet. */
  asked: PromiseWithResolvers<void> | undefined;
}

/**
 * The metrics of all workers together, for the process that supervises them. Counters and histograms never drop: of
 * a worker that has ended or does not answer, those of its last report count on. Its gauges do not.
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

  /** @param ask asks this worker for a report. */
  add(worker: Worker, ask: () => void): void {
    this.#members.set(worker, { ask, report: [], asked: undefined });
  }

  /** This worker has answered. */
  received(worker: Worker, report: MetricsReport): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    member.report = report;
    member.asked?.resolve();
    member.asked = undefined;
  }

  /** This worker has ended. */
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

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    await this.#askAll();
    // Before the next wait, so that a worker that ends meanwhile is counted once.
    const running = [...this.#members.values()].map(({ report, asked }) =>
      asked === undefined ? report : totalsOf(report),
    );
    return AggregatorRegistry.aggregate([await this.#ended, ...running]).metrics();
  }

  /** Resolves when every worker has answered or ended, or the time is over. */
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

/** What may only grow. */
function totalsOf(report: MetricsReport): MetricsReport {
  // The library names the types by these words; its declarations name them by numbers.
  return report.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
}
