import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { COMPILE_CACHE } from './compile-cache.ts';

/** The results of one of the processes. */
export interface StartOutcome {
  readonly first: boolean;
  readonly key: boolean;
  /** `ok` or the reason of the failure. */
  readonly username: string;
}

/** Starts several processes on one new database at the same time; see `sql-starter.ts`. Fails if one of them fails. */
export function raceToStart(place: string, processes: number): Promise<readonly StartOutcome[]> {
  const script = fileURLToPath(new URL('./sql-starter.ts', import.meta.url));
  return Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, place, String(n)], {
        env: { ...process.env, ...COMPILE_CACHE },
      });
      return JSON.parse(stdout) as StartOutcome;
    }),
  );
}
