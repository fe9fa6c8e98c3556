import { BcryptPool } from '../adapters/bcrypt/bcrypt-pool.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { PasswordQueue } from '../core/login/password-queue.ts';
import { Passwords } from '../core/login/passwords.ts';
import type { Site } from './site.ts';

/** Passwords, the threads that hash them, and the queue for the threads. */
export async function openPasswords(
  { config, clock, logger, metrics, closers }: Site,
  masterKeys: MasterKeys,
): Promise<{ readonly passwords: Passwords; readonly queue: PasswordQueue }> {
  const { threads, waitingPerThread, cost } = config.bcrypt;
  const hasher = await BcryptPool.open({
    threads,
    onThreadLost: (cause) => {
      metrics.countLostThread();
      logger.error({ err: cause }, 'a thread of bcrypt ended and was replaced');
    },
  });
  closers.add(() => hasher.close());
  const queue = new PasswordQueue({
    // One more than there are threads: it proves the session store meanwhile, and no thread waits for that.
    turns: threads + 1,
    capacity: threads * waitingPerThread,
    monotonic: () => clock.monotonic(),
  });
  closers.add(() => queue.close());
  return { passwords: new Passwords({ hasher, queue, masterKeys, cost }), queue };
}
