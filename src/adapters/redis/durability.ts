import type { Cluster, Redis } from 'ioredis';
import { Failure } from '../../core/failure.ts';
import type { RedisClient } from './connection.ts';

/** TTL of the proof key, which is written only so that WAIT has a write to confirm; milliseconds. */
const PROOF_TTL_MS = 1_000;

export interface DurabilityOptions {
  /**
   * Number of replicas that must hold a write before it is acknowledged. As many must confirm the primary before data
   * read from it is used. 0 disables both.
   */
  readonly waitReplicas: number;
  /** Timeout of WAIT, in milliseconds. Must be shorter than the connection's deadline. */
  readonly waitMs: number;
}

/** A write sent before WAIT. Replicas that have it also have all earlier writes of the same primary. */
type Write = readonly ['PEXPIRE' | 'SET', key: string, ttlMs: number];

/**
 * Checks how many replicas hold the latest writes. WAIT covers only writes of its own connection, so one more write
 * is sent before it. Replicas that have this write have all earlier writes of the same primary, from any connection.
 * In a cluster, the key routes both commands to the right node.
 *
 * WAIT blocks its connection, so only one runs at a time for each node. Callers that arrive during it share the next
 * one. No caller waits for more than two.
 */
export class ReplicaConfirmation {
  readonly #client: RedisClient;
  readonly #options: DurabilityOptions;
  /** Replica counts by node. In a cluster, by Redis key, because only ioredis knows the node of a key. */
  readonly #underWay = new Map<string, Promise<number>>();
  readonly #next = new Map<string, Promise<number>>();
  /** Number of connections so far. A new connection may reach another primary and cannot confirm earlier writes. */
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

  /** Call it right after the reply to a write to `key`. Throws END_UNCONFIRMED if too few replicas have the write. */
  async confirm(key: string, keyTtlMs: number): Promise<void> {
    const { waitReplicas } = this.#options;
    const held = await this.#replicasHolding(['PEXPIRE', key, keyTtlMs]);
    if (held >= waitReplicas) return;
    throw new Failure(
      'END_UNCONFIRMED',
      `${held} of ${waitReplicas} replicas confirmed the session end in time; repeat the call.`,
    );
  }

  /**
   * Call it right after the reply to a read. Throws unless enough replicas confirm a write made after that read. A
   * primary that was replaced has too few replicas, and its data may be stale.
   *
   * @param key a key used for nothing else, in the hash slot of the data that was read.
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
    // PEXPIRE found no key, so the write was made on another node.
    if (keysSet === 0) throw new Error('the key to confirm is not on this node');
    if (typeof held !== 'number') throw new Error('no reply to WAIT');
    return held;
  }
}

/** Calls `count` when a node's connection closes, and when the primaries change: keys may move to other nodes. */
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
