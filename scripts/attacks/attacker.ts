// A thread that repeats one call at a constant rate, whether it is answered or not.
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Attack } from './attacks.ts';
import { RawCalls, type Target } from './raw-calls.ts';

export interface Assault {
  readonly target: Target;
  readonly attack: Attack;
  readonly perSecond: number;
  readonly seconds: number;
}

/** How often each status was received. Calls without an answer count as `none`. */
export type Tally = Readonly<Record<string, number>>;

/** The maximum number of concurrent calls of a connection. Calls that are due beyond it are skipped. */
const MAX_CONCURRENT = 200;
/** How long the last answers are awaited; milliseconds. */
const PATIENCE_MS = 3_000;

async function assault({ target, attack, perSecond, seconds }: Assault): Promise<Tally> {
  const calls = await RawCalls.open(target);
  const tally: Record<string, number> = {};
  const count = (code: string) => {
    tally[code] = (tally[code] ?? 0) + 1;
  };
  const headers = { ...attack.headers };
  const body = Buffer.from(attack.body);
  const startedAt = performance.now();
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const dueAt = startedAt + (index / perSecond) * 1_000;
    while (performance.now() < dueAt) await delay(1);
    if (calls.underWay >= MAX_CONCURRENT) count('skipped');
    else
      void calls
        .send(attack.path, headers, body)
        .then((code) => count(Number.isNaN(code) ? 'none' : `${code}`));
  }
  const until = performance.now() + PATIENCE_MS;
  while (calls.underWay > 0 && performance.now() < until) await delay(10);
  if (calls.underWay > 0) tally['unanswered'] = calls.underWay;
  calls.close();
  return tally;
}

parentPort?.postMessage(await assault(workerData as Assault));
