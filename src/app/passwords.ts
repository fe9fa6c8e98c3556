import { BcryptPool } from '../adapters/bcrypt/bcrypt-pool.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { Passwords } from '../core/login/passwords.ts';
import type { Site } from './site.ts';

/** Passwords, and the threads that hash them. */
export async function openPasswords(
  { config, clock, logger, metrics, closers }: Site,
  masterKeys: MasterKeys,
): Promise<{ readonly passwords: Passwords; readonly hasher: BcryptPool }> {
  const { threads, waitingPerThread, cost } = config.bcrypt;
  const hasher = await BcryptPool.open({
    threads,
    waitingPerThread,
    monotonic: () => clock.monotonic(),
    onThreadLost: (cause) => {
      metrics.countLostThread();
      logger.error({ err: cause }, 'a thread of bcrypt ended and was replaced');
    },
  });
  closers.add(() => hasher.close());
  return { passwords: new Passwords({ hasher, masterKeys, cost }), hasher };
}
