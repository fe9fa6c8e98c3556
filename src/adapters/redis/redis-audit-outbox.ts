import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../../core/audit/audit-event.ts';
import type { AuditOutbox, OutboxEntry, OutboxPage } from '../../core/audit/audit-outbox.ts';
import { storeUnavailable } from '../../core/failure.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import { formatAuditEvent, parseAuditEvent } from './audit-entry.ts';
import type { RedisClient } from './connection.ts';
import { type DurabilityOptions, ReplicaConfirmation } from './durability.ts';
import { AUDIT_KEYS } from './keys.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import type { OnDamage } from './stored-values.ts';

export interface RedisAuditOutboxOptions {
  /** Connection for steps that do not wait for replicas. */
  readonly commands: RedisClient;
  /** Connection for appends that wait for replicas. */
  readonly replicated: RedisClient;
  readonly durability: DurabilityOptions;
  /** Time limit of each operation; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Maximum number of events for `appendIfRoom`. Default: 100,000, about 50 MB. */
  readonly maxBacklog?: number;
  /** Called for each damaged entry, which is then removed. */
  readonly onDamage?: OnDamage;
}

const append = new Script('append-audit', []);
const readOldest = new Script('read-audit', []);
const removeMoved = new Script('remove-audit', []);

const MAX_BACKLOG = 100_000;
/** How long one process alone moves events after its last read. After its death another one goes on; milliseconds. */
const MOVER_TTL_MS = 5_000;
const PROBE_TTL_MS = 1_000;
/** The stream must outlive every event. Each confirmation renews its TTL. */
const STREAM_TTL_MS = 10 * 365 * 86_400_000;

/** The audit outbox as a Redis stream. An entry's position is its stream id. */
export class RedisAuditOutbox implements AuditOutbox {
  readonly #options: RedisAuditOutboxOptions;
  readonly #maxBacklog: number;
  readonly #commands: ScriptRunner;
  readonly #replicated: ScriptRunner;
  readonly #replicas: ReplicaConfirmation;
  readonly #process = randomUUID();

  constructor(options: RedisAuditOutboxOptions) {
    const { commands, replicated, durability, deadlineMs, clock, maxBacklog = MAX_BACKLOG } = options;
    this.#options = options;
    this.#maxBacklog = maxBacklog;
    this.#commands = new ScriptRunner({ client: commands, deadlineMs, clock });
    this.#replicated = new ScriptRunner({ client: replicated, deadlineMs, clock });
    this.#replicas = new ReplicaConfirmation(replicated, durability);
  }

  appendConfirmed(event: AuditEvent): Promise<void> {
    return this.#inTime(async () => {
      await this.#replicated.run(append, [AUDIT_KEYS.stream], [0, event.eventId, formatAuditEvent(event)]);
      await this.#replicas.confirm(AUDIT_KEYS.stream, STREAM_TTL_MS);
    });
  }

  appendIfRoom(events: readonly AuditEvent[]): Promise<void> {
    return this.#inTime(async () => {
      const fields = events.flatMap((event) => [event.eventId, formatAuditEvent(event)]);
      const reply = await this.#commands.run(append, [AUDIT_KEYS.stream], [this.#maxBacklog, ...fields]);
      if (reply !== 1) throw this.#full();
    });
  }

  checkRoom(): Promise<void> {
    const { commands } = this.#options;
    return this.#inTime(async () => {
      const [length] = await Promise.all([
        commands.xlen(AUDIT_KEYS.stream),
        // Without a cluster, the probe of the session store has checked the node already.
        commands.isCluster ? commands.set(AUDIT_KEYS.probe, '1', 'PX', PROBE_TTL_MS) : undefined,
      ]);
      if (length >= this.#maxBacklog) throw this.#full();
    });
  }

  async read(limit: number): Promise<OutboxPage> {
    const keys = [AUDIT_KEYS.stream, AUDIT_KEYS.mover];
    const reply = await this.#inTime(() =>
      this.#commands.run(readOldest, keys, [this.#process, MOVER_TTL_MS, limit]),
    );
    const [backlog, found] = reply as readonly [number, readonly (readonly [string, readonly string[]])[]];
    const entries: OutboxEntry[] = [];
    for (const [position, fields] of found) {
      const event = parseAuditEvent(fields);
      if (event !== undefined) entries.push({ position, event });
      else await this.#removeDamaged(position, fields);
    }
    return { entries, backlog };
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    await this.#remove(entries.flatMap(({ position, event }) => [position, event.eventId]));
  }

  async #removeDamaged(position: string, [, eventId = '']: readonly string[]): Promise<void> {
    this.#options.onDamage?.({ what: 'audit event', id: position });
    await this.#remove([position, eventId]);
  }

  async #remove(args: readonly string[]): Promise<void> {
    await this.#inTime(() => this.#commands.run(removeMoved, [AUDIT_KEYS.stream], args));
  }

  #full() {
    return storeUnavailable('audit', new Error(`${this.#maxBacklog} audit events wait to be stored in SQL`));
  }

  #inTime<T>(operation: () => Promise<T>): Promise<T> {
    return answerInTime('audit', this.#options.deadlineMs, operation);
  }
}
