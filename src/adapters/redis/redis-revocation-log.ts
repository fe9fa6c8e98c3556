import {
  LOG_PAGE_SIZE,
  type LoggedRevocation,
  type LogState,
  type RevocationLog,
} from '../../core/revocation/revocation-log.ts';
import type { Clock } from '../../validator/clock.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import { answerInTime } from '../answer-in-time.ts';
import { clusterPrimaries } from './cluster-primaries.ts';
import { closeRedis, type RedisClient } from './connection.ts';
import { type DurabilityOptions, ReplicaConfirmation } from './durability.ts';
import { LOG_KEYS } from './keys.ts';
import { fieldsOf, parseEntry } from './log-entry.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import type { OnDamage } from './stored-values.ts';

export interface RedisRevocationLogOptions {
  /** Connection for appends. May wait for replicas. */
  readonly replicated: RedisClient;
  /** Connection for reads. Its commands block, so no other component may use it. Closed with the log. */
  readonly tail: RedisClient;
  readonly durability: DurabilityOptions;
  /** Time limit of each operation, without the time a read was asked to wait; milliseconds. */
  readonly deadlineMs: number;
  /** Minimum time an entry is kept after its `endedAt`; milliseconds. */
  readonly retentionMs: number;
  readonly clock: Clock;
  /** Called for each damaged entry that is read. */
  readonly onDamage?: OnDamage;
}

const append = new Script('append-revocation', []);
const inspect = new Script('inspect-log', []);

const KEYS = [LOG_KEYS.stream, LOG_KEYS.genesis, LOG_KEYS.dropped];

/** The genesis must outlive every entry. Each confirmation renews its TTL. */
const GENESIS_TTL_MS = 10 * 365 * 86_400_000;

/** The revocation log as a Redis stream. An entry's revision is its stream id. */
export class RedisRevocationLog implements RevocationLog {
  readonly #options: RedisRevocationLogOptions;
  readonly #replicated: ScriptRunner;
  readonly #tail: ScriptRunner;
  readonly #replicas: ReplicaConfirmation;
  readonly #tailReplicas: ReplicaConfirmation;
  readonly #startedAt: number;
  readonly #startedMonotonic: number;

  constructor(options: RedisRevocationLogOptions) {
    this.#options = options;
    const { replicated, tail, clock, ...common } = options;
    this.#startedAt = clock.now();
    this.#startedMonotonic = clock.monotonic();
    this.#replicated = new ScriptRunner({ client: replicated, clock, ...common });
    this.#tail = new ScriptRunner({ client: tail, clock, ...common });
    this.#replicas = new ReplicaConfirmation(replicated, options.durability);
    this.#tailReplicas = new ReplicaConfirmation(tail, options.durability);
  }

  append(revocation: Revocation, now: number): Promise<string> {
    return answerInTime('revocations', this.#options.deadlineMs, () => this.#append(revocation, now));
  }

  async read(after: string | undefined, waitMs: number): Promise<readonly LoggedRevocation[]> {
    const { tail, deadlineMs } = this.#options;
    const from = after ?? '0-0';
    const reply = await answerInTime('revocations', waitMs + deadlineMs, () =>
      waitMs > 0
        ? tail.xread('COUNT', LOG_PAGE_SIZE, 'BLOCK', waitMs, 'STREAMS', LOG_KEYS.stream, from)
        : tail.xread('COUNT', LOG_PAGE_SIZE, 'STREAMS', LOG_KEYS.stream, from),
    );
    return (reply?.[0]?.[1] ?? []).map(([revision, fields]) => this.#parse(revision, fields));
  }

  inspect(position: string | undefined, now: number): Promise<LogState> {
    return answerInTime('revocations', this.#options.deadlineMs, () => this.#inspect(position, now));
  }

  async close(): Promise<void> {
    closeRedis(this.#options.tail);
  }

  async #inspect(position: string | undefined, now: number): Promise<LogState> {
    const primaries = await clusterPrimaries(this.#options.tail);
    const keys = [...KEYS, LOG_KEYS.primaries];
    const reply = await this.#tail.run(inspect, keys, [now, position ?? '', primaries]);
    await this.#tailReplicas.provePrimary(LOG_KEYS.proof);
    const [genesis, continuous] = Array.isArray(reply) ? reply : [];
    return { coveredSince: Number(genesis), continuous: Number(continuous) === 1 };
  }

  #parse(revision: string, fields: readonly string[]): LoggedRevocation {
    const { revocation, isDamaged } = parseEntry(revision, fields);
    if (isDamaged) this.#options.onDamage?.({ what: 'revocation', id: revision });
    return { revision, revocation };
  }

  async #append(revocation: Revocation, now: number): Promise<string> {
    const args = [now, this.#monotonicNow(), this.#options.retentionMs, ...fieldsOf(revocation)];
    const revision = await this.#replicated.run(append, KEYS, args);
    await this.#replicas.confirm(LOG_KEYS.genesis, GENESIS_TTL_MS);
    return String(revision);
  }

  /** Wall-clock time at the start plus monotonic time since then. Differs from the wall clock only if that was set. */
  #monotonicNow(): number {
    return this.#startedAt + this.#options.clock.monotonic() - this.#startedMonotonic;
  }
}
