import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';
import type { RedisClient } from './connection.ts';

export interface DurabilityOptions {
  /** How many replicas must hold a write before it is acknowledged; 0: the primary alone. */
  readonly waitReplicas: number;
  /** How long they may take; milliseconds. Shorter than the connection's deadline. */
  readonly waitMs: number;
}

/**
 * Makes certain that what was written is held by the replicas. WAIT counts those that have everything this
 * connection wrote before, so it is sent on the connection of the write, together with a write to the key:
 * a later place in the same replication stream covers all earlier ones, whoever wrote them. In a cluster the key
 * leads both to the right node.
 */
export async function confirmReplicated(
  client: RedisClient,
  { waitReplicas, waitMs }: DurabilityOptions,
  key: string,
  keyTtlMs: number,
): Promise<void> {
  if (waitReplicas === 0) return;
  const replies = await client.pipeline().pexpire(key, keyTtlMs).wait(waitReplicas, waitMs).exec();
  const [error, held] = replies?.[1] ?? [new Error('no reply to WAIT'), 0];
  if (error !== null) throw error;
  if (typeof held === 'number' && held >= waitReplicas) return;
  throw new Failure(
    'ENDING_UNCONFIRMED',
    `${String(held)} of ${waitReplicas} replicas confirmed the ending in time; repeat the call.`,
  );
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
