// A thread that sends one call over and over at a steady pace, whether it is answered or not.
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

/** How often each status was answered; calls without an answer are under `none`. */
export type Tally = Readonly<Record<string, number>>;

/** As many calls as a connection may have under way: what is due beyond them is left out. */
const MOST_UNDER_WAY = 200;
/** So long the rest is waited for. */
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
    if (calls.underWay >= MOST_UNDER_WAY) count('left out');
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
