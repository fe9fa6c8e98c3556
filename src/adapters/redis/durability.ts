import type { Cluster, Redis } from 'ioredis';
import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';
import type { RedisClient } from './connection.ts';

/** How long Redis keeps the key of a proof, which is only written for WAIT; milliseconds. */
const PROOF_TTL_MS = 1_000;

export interface DurabilityOptions {
  /**
   * How many replicas must hold a write before it is acknowledged, and must confirm the primary before what was read
   * there is used; 0: none.
   */
  readonly waitReplicas: number;
  /** How long they may take; milliseconds. Shorter than the connection's deadline. */
  readonly waitMs: number;
}

/** A write sent before WAIT; replicas that have it have all earlier writes of that primary. */
type Write = readonly ['PEXPIRE' | 'SET', key: string, ttlMs: number];

/**
 * Asks how many replicas hold what was written. WAIT counts replicas that have everything its own connection wrote, so
 * it is sent on that connection, after one more write. Replicas that have this write have all earlier writes of the
 * same primary, of any connection. In a cluster the key sends both commands to the right node.
 *
 * A connection does nothing else during WAIT. So there is one WAIT at a time, and all callers that arrive during it
 * share the next one: no caller waits for more than two.
 */
export class ReplicaConfirmation {
  readonly #client: RedisClient;
  readonly #options: DurabilityOptions;
  /** By node; in a cluster, where only ioredis knows the nodes, by key. Each resolves with a number of replicas. */
  readonly #underWay = new Map<string, Promise<number>>();
  readonly #next = new Map<string, Promise<number>>();
  /** How many connections there were: what one wrote, another one, to a new primary maybe, cannot confirm. */
  #connections = 0;

  constructor(client: RedisClient, options: DurabilityOptions) {
    this.#client = client;
    this.#options = options;
    const count = () => {
      this.#connections += 1;
    };
    client.on('close', count);
    if (client.isCluster) countOfNodes(client as Cluster, count);
  }

  /** Call it right after the reply to a write to `key`. ENDING_UNCONFIRMED: too few replicas have it. */
  async confirm(key: string, keyTtlMs: number): Promise<void> {
    const { waitReplicas } = this.#options;
    const held = await this.#replicasHolding(['PEXPIRE', key, keyTtlMs]);
    if (held >= waitReplicas) return;
    throw new Failure(
      'ENDING_UNCONFIRMED',
      `${held} of ${waitReplicas} replicas confirmed the ending in time; repeat the call.`,
    );
  }

  /**
   * Call it right after the reply to a read. Fails unless enough replicas confirm a write made after that read: a primary
   * that was replaced has too few replicas, and its data may be out of date.
   *
   * @param key used for nothing else, in the hash slot of what was read.
   */
  async provePrimary(key: string): Promise<void> {
    const { waitReplicas } = this.#options;
    const held = await this.#replicasHolding(['SET', key, PROOF_TTL_MS]);
    if (held < waitReplicas) {
      throw new Error(`${held} of ${waitReplicas} replicas confirmed that this Redis is still the primary`);
    }
  }

  async #replicasHolding(write: Write): Promise<number> {
    if (this.#options.waitReplicas === 0) return 0;
    const node = this.#client.isCluster ? write[1] : '';
    const underWay = this.#underWay.get(node);
    if (underWay === undefined) return this.#next.get(node) ?? this.#start(node, write);
    const next = this.#next.get(node) ?? this.#after(underWay, node, write);
    this.#next.set(node, next);
    return next;
  }

  async #after(underWay: Promise<number>, node: string, write: Write): Promise<number> {
    const connection = this.#connections;
    await underWay.catch(() => undefined);
    this.#next.delete(node);
    if (connection !== this.#connections) throw new Error('the connection that made the write was lost');
    return this.#start(node, write);
  }

  #start(node: string, write: Write): Promise<number> {
    const asking = this.#ask(write).finally(() => this.#underWay.delete(node));
    this.#underWay.set(node, asking);
    return asking;
  }

  async #ask([command, key, ttlMs]: Write): Promise<number> {
    const { waitReplicas, waitMs } = this.#options;
    const pipeline = this.#client.pipeline();
    const written = command === 'SET' ? pipeline.set(key, '', 'PX', ttlMs) : pipeline.pexpire(key, ttlMs);
    const replies = (await written.wait(waitReplicas, waitMs).exec()) ?? [];
    for (const [error] of replies) if (error !== null) throw error;
    const [[, keysSet] = [], [, held] = []] = replies;
    // PEXPIRE found no key: the write to confirm was made on another node.
    if (keysSet === 0) throw new Error('the key to confirm is not on this node');
    if (typeof held !== 'number') throw new Error('no reply to WAIT');
    return held;
  }
}

/** Counts the connections of each node, and each time that others became primaries: keys lead there from then on. */
function countOfNodes(cluster: Cluster, count: () => void): void {
  const follow = (node: Redis) => node.on('close', count);
  const primaries = () =>
    cluster
      .nodes('master')
      .map(({ options }) => `${options.host}:${options.port}`)
      .sort()
      .join();
  cluster.nodes().forEach(follow);
  cluster.on('+node', follow);
  let known = primaries();
  cluster.on('refresh', () => {
    const found = primaries();
    if (found !== known) count();
    known = found;
  });
}

/** Runs an operation of a store within a deadline of its own; whatever the driver throws becomes STORE_UNAVAILABLE. */
export async function guarded<T>(store: StoreName, deadlineMs: number, operation: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer from Redis within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([operation, late]);
  } catch (error) {
    throw error instanceof Failure ? error : storeUnavailable(store, error);
  } finally {
    clearTimeout(timer);
  }
}
