import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './connection.ts';

const FOLDER = new URL('./scripts/', import.meta.url);

/** A Lua script: one compound step on keys of one hash slot. */
export class Script {
  readonly #source: string;
  readonly #sha: string;
  /** By client: the EVAL with this script's text that is under way. */
  readonly #sending = new WeakMap<RedisClient, Promise<unknown>>();

  /**
   * @param name of the file in `scripts`, without `.lua`.
   * @param shared names of the files whose functions it uses.
   */
  constructor(name: string, shared: readonly string[] = ['session']) {
    this.#source = ['deadline', ...shared, name].map(read).join('\n');
    this.#sha = createHash('sha1').update(this.#source).digest('hex');
  }

  /**
   * Runs it by its hash. A server that does not know it (new, restarted, failed over) is sent the text, once for all
   * concurrent callers: on a slow line several texts would take longer than the deadline.
   *
   * @param args the last one is the deadline, see `ScriptRunner`.
   */
  run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const byHash = (orElse: () => Promise<unknown>) =>
      client.evalsha(this.#sha, keys.length, ...keys, ...args).catch((error: unknown) => {
        if (isUnknownScript(error)) return orElse();
        throw error;
      });
    const send = () => {
      const sending = client.eval(this.#source, keys.length, ...keys, ...args);
      this.#sending.set(client, sending);
      return sending.finally(() => this.#sending.delete(client));
    };
    return byHash(async () => {
      const sending = this.#sending.get(client);
      if (sending === undefined) return send();
      await sending.catch(() => undefined);
      // Unknown again: the text did not arrive, or this is another node of a cluster.
      return byHash(send);
    });
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** The text of a script without comments and indentation, which are a third to a half of it. */
function read(name: string): string {
  const text = readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8');
  return text.replaceAll(/^\s*(--.*)?\n|^[ \t]+/gm, '');
}
