import type { FloodResult } from '../load/flood.ts';
import { type H2loadRun, type H2loadSummary, LOAD, runH2load } from '../load/h2load.ts';

export interface Scale {
  /** Alternating rounds. */
  readonly rounds: number;
  /** How long one arm of one round is measured; seconds. */
  readonly seconds: number;
  /** How many sessions `scale` puts into Redis. */
  readonly sessions: number;
}

/** Runs the arms alternately, round by round, so that a change of the machine affects all of them. */
export async function alternate<Arm extends string, Result>(
  rounds: number,
  arms: Readonly<Record<Arm, (round: number) => Promise<Result>>>,
): Promise<Record<Arm, Result[]>> {
  const results = {} as Record<Arm, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const [arm, run] of Object.entries(arms) as [Arm, (round: number) => Promise<Result>][]) {
      results[arm] = [...(results[arm] ?? []), await run(round)];
    }
  }
  return results;
}

/** What h2load sends, and where. */
export type Target = Omit<H2loadRun, 'requests'>;

const WARM_UP_REQUESTS = 20_000;

/** Measures the service and its echo with h2load, in alternating rounds. */
export async function compareUnderH2load(
  { rounds, seconds }: Scale,
  latchkey: Target,
  echo: Target,
): Promise<Record<'latchkey' | 'echo', H2loadSummary[]>> {
  const requests = {
    latchkey: await requestsFor(latchkey, seconds),
    echo: await requestsFor(echo, seconds),
  };
  return await alternate(rounds, {
    latchkey: () => runH2load({ ...latchkey, requests: requests.latchkey }),
    echo: () => runH2load({ ...echo, requests: requests.echo }),
  });
}

/** How many requests take this many seconds. Finding out warms up the target, because a new server is slower. */
async function requestsFor(target: Target, seconds: number): Promise<number> {
  await runH2load({ ...target, requests: WARM_UP_REQUESTS / 10 });
  const { requestsPerSecond } = await runH2load({ ...target, requests: WARM_UP_REQUESTS });
  return Math.max(LOAD.connections * LOAD.inFlight, Math.round(requestsPerSecond * seconds));
}

export function answersPerSecond({ answers, seconds }: FloodResult): number {
  return answers / seconds;
}
