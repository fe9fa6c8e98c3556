import { AggregatorRegistry } from 'prom-client';

/** The metrics of all workers together, for the process that supervises them. */
export class ClusterMetrics {
  readonly #aggregator = new AggregatorRegistry();

  get contentType(): string {
    return this.#aggregator.contentType;
  }

  /** Asks every worker; fails if one does not answer within 5 s. */
  text(): Promise<string> {
    return this.#aggregator.clusterMetrics();
  }
}
