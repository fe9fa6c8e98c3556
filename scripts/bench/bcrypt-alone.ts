import { availableParallelism } from 'node:os';
import { niceThreads } from './cpu.ts';
import { forkModule, nextMessage, stop } from './processes.ts';

/** The threads that hash for a service. */
export interface BcryptThreads {
  readonly count: number;
  readonly nice: number;
}

export interface BcryptOrder extends BcryptThreads {
  readonly cost: number;
  readonly seconds: number;
}

/** What LATCHKEY_BCRYPT_THREADS is by default; the bench sets it, so that both sides have the same. */
export const BCRYPT_THREADS = Math.max(1, availableParallelism() - 1);

/**
 * The hashing threads as the kernel shows them in a service that has hashed: threads whose priority is
 * lowered. Undefined: their number is not the one that was set, or they cannot be seen here.
 */
export function bcryptThreadsOf(servicePid: number): BcryptThreads | undefined {
  const nices = niceThreads(servicePid);
  const [nice] = nices;
  if (nice === undefined || nices.length !== BCRYPT_THREADS || nices.some((other) => other !== nice)) {
    return undefined;
  }
  return { count: nices.length, nice };
}

/** When each comparison was done by threads that do nothing else, in milliseconds since some instant. */
export async function bcryptAlone(order: BcryptOrder): Promise<readonly number[]> {
  const child = forkModule('bcrypt-process.ts', 'bcrypt alone');
  child.send(order);
  const doneAtMs = await nextMessage<readonly number[]>(child);
  await stop(child);
  return doneAtMs;
}
