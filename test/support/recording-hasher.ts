import { createHash } from 'node:crypto';
import type { PasswordHasher } from '../../src/core/password/password-hasher.ts';

/** One job of the hasher. */
export type HasherJob =
  | { readonly kind: 'hash'; readonly input: string; readonly cost: number }
  | { readonly kind: 'verify'; readonly input: string; readonly hash: string; readonly targetCost: number };

/** A hasher that takes no time, returns well-formed bcrypt hashes and records every job. */
export class RecordingHasher implements PasswordHasher {
  readonly jobs: HasherJob[] = [];
  /** The error of the next job. */
  failure: Error | undefined;
  /** Called during a check. */
  meanwhile: () => Promise<unknown> = async () => undefined;

  async hash(input: string, cost: number): Promise<string> {
    this.#record({ kind: 'hash', input, cost });
    return digestOf(input, cost);
  }

  async verify(input: string, hash: string, targetCost: number): Promise<boolean> {
    this.#record({ kind: 'verify', input, hash, targetCost });
    await this.meanwhile();
    return digestOf(input, Number(hash.slice(4, 6))).slice(4) === hash.slice(4);
  }

  #record(job: HasherJob): void {
    this.jobs.push(job);
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

function digestOf(input: string, cost: number): string {
  const letters = createHash('sha512').update(input).digest('hex');
  return `$2b$${String(cost).padStart(2, '0')}$${letters.slice(0, 21)}u${letters.slice(21, 51)}u`;
}
