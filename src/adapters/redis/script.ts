import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './connection.ts';

const FOLDER = new URL('./scripts/', import.meta.url);

/** A Lua script: one compound step on keys of one hash slot. */
export class Script {
  readonly #source: string;
  readonly #sha: string;

  /** @param name of the file in `scripts`, without `.lua`. */
  constructor(name: string) {
    this.#source = [read('deadline'), read('ending'), read(name)].join('\n');
    this.#sha = createHash('sha1').update(this.#source).digest('hex');
  }

  /**
   * Runs it by its hash; a server that does not know it (new, restarted, failed over) is sent the text.
   *
   * @param args the last one is the deadline, see `ScriptRunner`.
   */
  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await client.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.eval(this.#source, keys.length, ...keys, ...args);
    }
  }
}

function read(name: string): string {
  return readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8');
}
