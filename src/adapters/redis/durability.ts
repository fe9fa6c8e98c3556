import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';
import type { RedisClient } from './connection.ts';

export interface DurabilityOptions {
  /** How many replicas must hold a write before it is acknowledged; 0: the primary alone. */
  readonly waitReplicas: number;
  /** How long they may take; milliseconds. Shorter than the connection's deadline. */
  readonly waitMs: number;
}

/**
 * Makes certain that what was written is held by the replicas. WAIT counts those that have everything its
 * connection wrote before, so it is sent on the connection of the write, together with a write to the key:
 * a later place in the same replication stream covers all earlier ones, whoever wrote them. In a cluster the key
 * leads both to the right node.
 *
 * A connection does nothing else while it waits. So there is one WAIT at a time, and all who come while it is under
 * way share the next one: however many endings there are, none waits for more than two.
 */
export class ReplicaConfirmation {
  readonly #client: RedisClient;
  readonly #options: DurabilityOptions;
  /** By node; in a cluster, where only the client knows the nodes, by key. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();
  /** How many connections there were: what one wrote, another one, to a new primary maybe, cannot confirm. */
  #connections = 0;

  constructor(client: RedisClient, options: DurabilityOptions) {
    this.#client = client;
    this.#options = options;
    client.on('close', () => {
      this.#connections += 1;
    });
  }

  /** To be called as soon as the write was answered. ENDING_UNCONFIRMED: too few replicas have it. */
  async confirm(key: string, keyTtlMs: number): Promise<void> {
    if (this.#options.waitReplicas === 0) return;
    const node = this.#client.isCluster ? key : '';
    const underWay = this.#underWay.get(node);
    if (underWay === undefined) {
      await (this.#next.get(node) ?? this.#start(node, key, keyTtlMs));
      return;
    }
    const next = this.#next.get(node) ?? this.#after(underWay, node, key, keyTtlMs);
    this.#next.set(node, next);
    await next;
  }

  async #after(underWay: Promise<void>, node: string, key: string, keyTtlMs: number): Promise<void> {
    const connection = this.#connections;
    await underWay.catch(() => undefined);
    this.#next.delete(node);
    if (connection !== this.#connections) throw new Error('the connection of the write is gone');
    await this.#start(node, key, keyTtlMs);
  }

  #start(node: string, key: string, keyTtlMs: number): Promise<void> {
    const asking = this.#ask(key, keyTtlMs).finally(() => this.#underWay.delete(node));
    this.#underWay.set(node, asking);
    return asking;
  }

  async #ask(key: string, keyTtlMs: number): Promise<void> {
    const { waitReplicas, waitMs } = this.#options;
    const replies = await this.#client.pipeline().pexpire(key, keyTtlMs).wait(waitReplicas, waitMs).exec();
    const [error, held] = replies?.[1] ?? [new Error('no reply to WAIT'), 0];
    if (error !== null) throw error;
    if (typeof held === 'number' && held >= waitReplicas) return;
    throw new Failure(
      'ENDING_UNCONFIRMED',
      `${String(held)} of ${waitReplicas} replicas confirmed the ending in time; repeat the call.`,
    );
  }
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
