import { LOAD, runH2load } from '../h2load.ts';
import type { Options } from '../options.ts';

export type Scale = Pick<Options, 'rounds' | 'seconds' | 'sessions'>;

/** Runs the arms one after the other, round by round, so that what drifts on the machine meets all of them. */
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

/** What h2load is to send, and to whom. */
export interface Target {
  readonly port: number;
  readonly serverPid: number;
  readonly path: string;
  readonly frameFile: string;
  readonly answerBytes: number;
}

const WARM_UP_REQUESTS = 20_000;

/**
 * How many requests keep the target busy for so many seconds. Finding out also warms it up: a server that
 * has just started is slower, whichever one it is.
 */
export async function requestsFor(target: Target, seconds: number): Promise<number> {
  await runH2load({ ...target, requests: WARM_UP_REQUESTS / 10 });
  const { requestsPerSecond } = await runH2load({ ...target, requests: WARM_UP_REQUESTS });
  const least = LOAD.connections * LOAD.inFlight;
  return Math.max(least, Math.round(requestsPerSecond * seconds));
}
