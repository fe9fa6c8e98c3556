import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './connection.ts';

const FOLDER = new URL('./scripts/', import.meta.url);

/** A Lua script: one atomic step on keys of one hash slot. */
export class Script {
  readonly #source: string;
  readonly #sha: string;
  /** By client: the pending EVAL that carries this script's source. */
  readonly #sending = new WeakMap<RedisClient, Promise<unknown>>();

  /**
   * @param name file name in `scripts`, without `.lua`.
   * @param shared names of the files with functions that it uses.
   */
  constructor(name: string, shared: readonly string[] = ['session']) {
    this.#source = ['deadline', ...shared, name].map(read).join('\n');
    this.#sha = createHash('sha1').update(this.#source).digest('hex');
  }

  /**
   * Runs the script with EVALSHA. If the server does not know it (new, restarted, failed over), sends the source once
   * for all concurrent callers. On a slow line, several copies would take longer than the deadline.
   *
   * @param args the last one is the deadline; see `ScriptRunner`.
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
      // NOSCRIPT again: the source did not arrive, or this is another cluster node.
      return byHash(send);
    });
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/**
 * The source without comments, indentation, and spaces around comparisons and after commas: about half of it. A script
 * must fit through a slow line in time. Strings stay as they are; scripts write them in single quotes.
 */
function read(name: string): string {
  const text = readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8');
  return text
    .replaceAll(/^\s*(--.*)?\n|^[ \t]+/gm, '')
    .replaceAll(/'[^'\n]*'| ([=~<>]=|[=<>+]) |(,) /g, (found, sign, comma) => sign ?? comma ?? found);
}
