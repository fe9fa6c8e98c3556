import { BcryptPool } from '../adapters/bcrypt/bcrypt-pool.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { PasswordQueue } from '../core/password/password-queue.ts';
import { Passwords } from '../core/password/passwords.ts';
import type { AppContext } from './app-context.ts';

/** Opens the password service with its hashing threads and their queue. */
export async function openPasswords(
  { config, clock, logger, metrics, closers }: AppContext,
  masterKeys: MasterKeys,
): Promise<{ readonly passwords: Passwords; readonly queue: PasswordQueue }> {
  const { threads, waitingPerThread, cost } = config.bcrypt;
  const hasher = await BcryptPool.open({
    threads,
    onThreadLost: (cause) => {
      metrics.countLostThread();
      logger.error({ err: cause }, 'a bcrypt thread ended and was replaced');
    },
  });
  closers.add(() => hasher.close());
  const queue = new PasswordQueue({
    // One more than threads: one sign-in probes the session store while the others hash, so no thread is idle.
    maxRunning: threads + 1,
    capacity: threads * waitingPerThread,
    monotonic: () => clock.monotonic(),
  });
  closers.add(() => queue.close());
  return { passwords: new Passwords({ hasher, queue, masterKeys, cost }), queue };
}
