/**
 * bcrypt, somewhere else.
 *
 * Law: work runs in threads of its own at lower priority and never in libuv's pool. Jobs beyond the number of threads
 * wait, first come first served; `PasswordQueue` bounds how many. Inputs are at most 72 bytes and hold no NUL: the caller
 * pre-hashes. `verify` of a hash that is not well formed answers false.
 */
export interface PasswordHasher {
  hash(input: string, cost: number): Promise<string>;
  /**
   * Compares and then spends the work that makes the whole as dear as one comparison at `asDearAs`,
   * whatever the cost of `hash`, in one job: the time tells nothing of whose hash it was.
   */
  verify(input: string, hash: string, asDearAs: number): Promise<boolean>;
}
