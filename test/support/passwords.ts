import { MasterKeys } from '../../src/core/keys/master-key.ts';
import type { PasswordHasher } from '../../src/core/password/password-hasher.ts';
import { PasswordQueue } from '../../src/core/password/password-queue.ts';
import { Passwords } from '../../src/core/password/passwords.ts';

/** A queue that never makes a caller wait. */
export function idleQueue(): PasswordQueue {
  return new PasswordQueue({ maxRunning: 100, capacity: 0, monotonic: () => 0 });
}

/** Passwords under one master key, by default with a queue that never makes a caller wait. */
export function passwordsWith({
  hasher,
  cost,
  masterKeys = [Buffer.alloc(32, 1)],
  queue = idleQueue(),
}: {
  readonly hasher: PasswordHasher;
  readonly cost: number;
  readonly masterKeys?: readonly Buffer[];
  readonly queue?: PasswordQueue;
}): Passwords {
  return new Passwords({ hasher, queue, cost, masterKeys: new MasterKeys(masterKeys) });
}
