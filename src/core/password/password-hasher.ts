/**
 * bcrypt in worker threads.
 *
 * Law:
 * - Work runs in dedicated threads at lower priority, never in libuv's pool.
 * - Jobs beyond the number of threads wait in order of arrival. `PasswordQueue` limits their number.
 * - Inputs are at most 72 bytes without NUL, because the caller pre-hashes.
 * - `verify` returns false for a malformed hash.
 */
export interface PasswordHasher {
  hash(input: string, cost: number): Promise<string>;
  /**
   * Compares, then adds work up to the cost of one comparison at `targetCost`, in one job.
   * The total time does not depend on the cost of `hash`, so it does not reveal whose hash it was.
   */
  verify(input: string, hash: string, targetCost: number): Promise<boolean>;
}
