import type { ClusterMetrics } from '../../telemetry/cluster-metrics.ts';
import type { Readiness } from '../../telemetry/http-endpoint.ts';
import type { LogFields, Logger } from '../../telemetry/logger.ts';
import type { Handover, Receiver } from './handover.ts';
import { BEAT_MS, Heartbeats, type SilentWorker } from './heartbeats.ts';
import { isReport, type MetricsOrder, type ServingReport, type StopOrder } from './messages.ts';

/** A process that exits has a code. A killed process has a signal. */
type OnExit = (code: number | null, signal: string | null) => void;

/** The part of a worker process that the supervisor uses, as implemented by `Worker` of node:cluster. */
export interface WorkerProcess extends Receiver {
  readonly id: number;
  readonly process: { readonly pid?: number | undefined };
  send(order: StopOrder | MetricsOrder): unknown;
  send(...handed: Parameters<Receiver['send']>): unknown;
  kill(signal: 'SIGKILL'): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: OnExit): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface SupervisorOptions {
  /** Number of worker processes. */
  readonly workers: number;
  readonly fork: () => WorkerProcess;
  /** Learns which workers can receive connections. */
  readonly handover: Pick<Handover, 'add' | 'remove' | 'taken'>;
  /** Learns which workers can report metrics, and gets their reports. */
  readonly metrics: Pick<ClusterMetrics<WorkerProcess>, 'add' | 'remove' | 'received'>;
  /** Runs a function later. Returns a function that cancels it. */
  readonly later: (run: () => void, ms: number) => () => void;
  /** Reads a monotonic clock; milliseconds. */
  readonly monotonic: () => number;
  /** A serving worker that is silent for this long hangs; milliseconds. Default 10 s. */
  readonly silenceMs?: number;
  /** How long a stopping worker may serve calls; milliseconds. */
  readonly drainMs: number;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

interface Slot {
  readonly worker: WorkerProcess;
  readonly forkedAt: number;
  serves: boolean;
  readiness: Readiness;
}

/** Delay before an ended worker is replaced; milliseconds. It doubles each time a worker ends soon. */
const REPLACE_MS = { first: 100, max: 30_000 };
/** A worker that ran for this long resets the delay; milliseconds. */
const STABLE_MS = 60_000;

/** How long a worker may take to close after its drain before it is killed; milliseconds. */
const STOP_PATIENCE_MS = 10_000;

/**
 * Keeps the configured number of workers running and replaces those that end. The first worker starts alone, so that
 * tables, keys and the first user are created only once. If it cannot start, the service does not start.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #heartbeats: Heartbeats<WorkerProcess>;
  readonly #slots = new Map<number, Slot>();
  readonly #waiting = new Set<() => void>();
  #replaceMs = REPLACE_MS.first;
  #stopping = false;
  #onEmpty: (() => void) | undefined;
  #clean = true;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#heartbeats = new Heartbeats(options.monotonic, options.silenceMs);
  }

  /** Resolves with the first worker's report. Rejects with `WorkerEnded` if it ended instead. */
  async start(): Promise<ServingReport> {
    const first = await new Promise<ServingReport>((resolve, reject) => {
      this.#fork(resolve, (code, signal) => reject(new WorkerEnded(code, signal)));
    });
    if (!this.#stopping) {
      for (let count = 1; count < this.#options.workers; count += 1) this.#forkAnother();
    }
    return first;
  }

  /** Ready while all workers are, so that a load balancer sends no more than can be served. */
  get readiness(): Readiness {
    if (this.#stopping) return { ready: false, reasons: ['draining'] };
    const reasons = [...this.#slots.values()].flatMap(({ worker, serves, readiness }) =>
      (serves ? readiness.reasons : ['starting']).map((reason) => `worker ${worker.id}: ${reason}`),
    );
    const missing = this.#options.workers - this.#slots.size;
    if (missing > 0) reasons.push(`${missing} of ${this.#options.workers} workers are not running`);
    return { ready: reasons.length === 0, reasons };
  }

  /**
   * Stops all serving workers gracefully and waits for them. Resolves with whether all of them stopped cleanly. Kills
   * a worker that is still starting: it has no calls, and a file or lock may block its thread. Kills a worker that has
   * not replied by the end of the drain, because it hangs.
   */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    if (this.#slots.size === 0) return this.#clean;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const { worker, serves } of this.#slots.values()) {
      if (serves) worker.send({ kind: 'stop' });
      else worker.kill('SIGKILL');
    }
    const { later, monotonic, drainMs } = this.#options;
    const orderedAt = monotonic();
    const cancels = [
      later(() => this.#kill(this.#heartbeats.silentSince(orderedAt)), Math.max(drainMs, BEAT_MS)),
      later(() => this.killAll(), drainMs + STOP_PATIENCE_MS),
    ];
    await empty;
    for (const cancel of cancels) cancel();
    return this.#clean;
  }

  /** Kills the workers that hang. They are then replaced. Must be called every `BEAT_MS`. */
  killSilent(): void {
    this.#kill(this.#heartbeats.silent());
  }

  /** Kills all workers immediately. */
  killAll(): void {
    for (const { worker } of this.#slots.values()) worker.kill('SIGKILL');
  }

  /** Uses SIGKILL, the only signal that ends a process stopped by SIGSTOP. */
  #kill(hanging: readonly SilentWorker<WorkerProcess>[]): void {
    for (const { worker, silentMs } of hanging) {
      const { id, process } = worker;
      this.#heartbeats.remove(worker);
      this.#options.logger.error({ worker: id, pid: process.pid, silentMs }, 'worker hangs; killing it');
      worker.kill('SIGKILL');
    }
  }

  #fork(onServing: (report: ServingReport) => void, onFailedStart: OnExit): Slot {
    const { fork, handover, metrics } = this.#options;
    const worker = fork();
    const slot: Slot = {
      worker,
      forkedAt: this.#options.monotonic(),
      serves: false,
      readiness: { ready: false, reasons: ['starting'] },
    };
    this.#slots.set(worker.id, slot);
    this.#heartbeats.starting(worker);
    worker.on('message', (message) => {
      if (!isReport(message)) return;
      this.#heartbeats.received(worker);
      if (message.kind === 'readiness') slot.readiness = message;
      if (message.kind === 'taken') handover.taken(worker);
      if (message.kind === 'metrics') metrics.received(worker, message.metrics);
      if (message.kind !== 'serving') return;
      slot.serves = true;
      this.#heartbeats.serving(worker);
      handover.add(worker);
      metrics.add(worker, () => worker.send({ kind: 'metrics' }));
      onServing(message);
    });
    // Sending to a worker that is exiting fails. Its exit event is handled below.
    worker.on('error', () => undefined);
    worker.on('exit', (code, signal) => {
      this.#slots.delete(worker.id);
      this.#heartbeats.remove(worker);
      handover.remove(worker);
      metrics.remove(worker);
      if (!slot.serves) onFailedStart(code, signal);
      if (this.#stopping) {
        if (slot.serves && code !== 0) this.#clean = false;
        if (this.#slots.size === 0) this.#onEmpty?.();
      } else if (slot.serves) {
        this.#options.logger.error(endFields(worker, code, signal), 'worker ended; replacing it');
        this.#replace(slot);
      }
    });
    return slot;
  }

  /** Starts a further worker, and retries if it cannot start. */
  #forkAnother(): void {
    const { logger } = this.#options;
    const slot = this.#fork(
      () => logger.info({}, 'another worker is serving'),
      (code, signal) => {
        if (this.#stopping) return;
        logger.error(endFields(slot.worker, code, signal), 'worker failed to start; retrying');
        this.#replace(slot);
      },
    );
  }

  #replace({ forkedAt }: Slot): void {
    const { later, monotonic } = this.#options;
    if (monotonic() - forkedAt >= STABLE_MS) this.#replaceMs = REPLACE_MS.first;
    const cancel = later(() => {
      this.#waiting.delete(cancel);
      this.#forkAnother();
    }, this.#replaceMs);
    this.#waiting.add(cancel);
    this.#replaceMs = Math.min(2 * this.#replaceMs, REPLACE_MS.max);
  }
}

/** Log fields. Null becomes undefined, because the log would print null as an omitted value. */
function endFields({ id, process }: WorkerProcess, code: number | null, signal: string | null): LogFields {
  return { worker: id, pid: process.pid, exitCode: code ?? undefined, signal: signal ?? undefined };
}

/** The first worker ended before it served. It reported the reason itself, unless it was killed. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
  /** The exit code. Null if a signal ended the worker. */
  readonly code: number | null;

  constructor(code: number | null, signal: string | null) {
    super(`the first worker ended with ${code ?? signal ?? 'a signal'} before it served`);
    this.code = code;
  }
}
