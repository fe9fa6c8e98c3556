/**
 * bcrypt, somewhere else.
 *
 * Law: work runs in threads of its own at lower priority and never in libuv's pool. The queue is bounded: a
 * full one fails at once with LOGIN_QUEUE_FULL and `retryAfterMs`. A job whose signal is aborted before it
 * starts is never run and fails with CANCELLED. Inputs are at most 72 bytes and hold no NUL: the caller
 * pre-hashes. `verify` of a hash that is not well formed answers false.
 */
export interface PasswordHasher {
  hash(input: string, cost: number, signal?: AbortSignal): Promise<string>;
  /**
   * Compares and then spends the work that makes the whole as dear as one comparison at `asDearAs`,
   * whatever the cost of `hash`, in one job of the queue: the time tells nothing of whose hash it was.
   */
  verify(input: string, hash: string, asDearAs: number, signal?: AbortSignal): Promise<boolean>;
}
