import type { ClusterMetrics } from '../../telemetry/cluster-metrics.ts';
import type { Readiness } from '../../telemetry/http-endpoint.ts';
import type { LogFields, Logger } from '../../telemetry/logger.ts';
import type { Handover, Receiver } from './handover.ts';
import { BEAT_MS, Heartbeats, type SilentWorker } from './heartbeats.ts';
import { isReport, type MetricsOrder, type ServingReport, type StopOrder } from './messages.ts';

/** A process that ends by itself has a code; one that is killed has the signal that ended it. */
type OnExit = (code: number | null, signal: string | null) => void;

/** A process that serves, as far as the supervisor has to do with it; `Worker` of node:cluster is one. */
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
  /** How many processes serve. */
  readonly workers: number;
  readonly fork: () => WorkerProcess;
  /** Told which workers can be sent connections. */
  readonly handover: Pick<Handover, 'add' | 'remove' | 'taken'>;
  /** Told which workers can be asked for metrics, and what they answer. */
  readonly metrics: Pick<ClusterMetrics<WorkerProcess>, 'add' | 'remove' | 'received'>;
  /** Waits; answers what calls it off. */
  readonly later: (run: () => void, ms: number) => () => void;
  /** By a clock that does not jump; milliseconds. */
  readonly monotonic: () => number;
  /** A worker that serves and is silent for so long hangs; milliseconds. Default 10 s. */
  readonly silenceMs?: number;
  /** How long a worker that stops serves its calls; milliseconds. */
  readonly drainMs: number;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

interface Slot {
  readonly worker: WorkerProcess;
  readonly forkedAt: number;
  serves: boolean;
  readiness: Readiness;
}

/** A worker that ended is replaced after this long; each further time it ends soon, after twice as long. */
const REPLACE_MS = { first: 100, most: 30_000 };
/** A worker that served for so long was no failed start. */
const STEADY_MS = 60_000;

/** How long a worker may take to close everything after its drain before it is killed. */
const STOP_PATIENCE_MS = 10_000;

/**
 * Keeps so many processes serving. The first one starts alone, so that what is made at the first start (tables, keys,
 * the first user) is made once; if it cannot start, nothing does. From then on a worker that ends is replaced.
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

  /** Resolves with what the first worker said; fails with `WorkerEnded` if it ended instead. */
  async start(): Promise<ServingReport> {
    const first = await new Promise<ServingReport>((resolve, reject) => {
      this.#fork(resolve, (code, signal) => reject(new WorkerEnded(code, signal)));
    });
    if (!this.#stopping) {
      for (let count = 1; count < this.#options.workers; count += 1) this.#forkAnother();
    }
    return first;
  }

  /** Ready while every slot is: a balancer that asks here shall not send more than can be served. */
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
   * Tells every worker that serves to end in good order and waits for them. Answers whether all of these did. A worker
   * that is still starting has no calls: it is killed, since its thread may be held by a file or a lock. One that has
   * not answered by the end of the drain hangs, and is killed then.
   */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    for (const callOff of this.#waiting) callOff();
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
    const callOffs = [
      later(() => this.#kill(this.#heartbeats.silentSince(orderedAt)), Math.max(drainMs, BEAT_MS)),
      later(() => this.killAll(), drainMs + STOP_PATIENCE_MS),
    ];
    await empty;
    for (const callOff of callOffs) callOff();
    return this.#clean;
  }

  /** Kills the workers that hang; like all that end, they are replaced. To be called every `BEAT_MS`. */
  killSilent(): void {
    this.#kill(this.#heartbeats.silent());
  }

  /** Ends every worker at once. */
  killAll(): void {
    for (const { worker } of this.#slots.values()) worker.kill('SIGKILL');
  }

  /** By SIGKILL: a process that was stopped by a signal hears nothing else. */
  #kill(hanging: readonly SilentWorker<WorkerProcess>[]): void {
    for (const { worker, silentMs } of hanging) {
      const { id, process } = worker;
      this.#heartbeats.remove(worker);
      this.#options.logger.error({ worker: id, pid: process.pid, silentMs }, 'a worker hangs; it is killed');
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
      this.#heartbeats.heard(worker);
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
    // A message to a worker that is just ending cannot be sent; its end is what counts.
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
        this.#options.logger.error(endFields(worker, code, signal), 'a worker ended; it is replaced');
        this.#replace(slot);
      }
    });
    return slot;
  }

  /** Not the first: if it cannot start now, it is tried again. */
  #forkAnother(): void {
    const { logger } = this.#options;
    const slot = this.#fork(
      () => logger.info({}, 'one more worker serves'),
      (code, signal) => {
        if (this.#stopping) return;
        logger.error(endFields(slot.worker, code, signal), 'a worker could not start; trying again');
        this.#replace(slot);
      },
    );
  }

  #replace({ forkedAt }: Slot): void {
    const { later, monotonic } = this.#options;
    if (monotonic() - forkedAt >= STEADY_MS) this.#replaceMs = REPLACE_MS.first;
    const callOff = later(() => {
      this.#waiting.delete(callOff);
      this.#forkAnother();
    }, this.#replaceMs);
    this.#waiting.add(callOff);
    this.#replaceMs = Math.min(2 * this.#replaceMs, REPLACE_MS.most);
  }
}

/** For the log, which prints `null` as left out: a worker that was killed has no exit code. */
function endFields({ id, process }: WorkerProcess, code: number | null, signal: string | null): LogFields {
  return { worker: id, pid: process.pid, exitCode: code ?? undefined, signal: signal ?? undefined };
}

/** The first worker ended before it served. One that has an exit code has said why; one that was killed could not. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
  /** Its exit code; null: a signal ended it. */
  readonly code: number | null;

  constructor(code: number | null, signal: string | null) {
    super(`the first worker ended with ${code ?? signal ?? 'a signal'} before it served`);
    this.code = code;
  }
}
