import { forkModule, nextMessage, stop } from '../processes.ts';
import type { ArmName, ArmRun, ArmSetup, CallerAnswer, CallerOrder, LogoutsFelt } from './arm.ts';

/** One caller in a process of its own. */
export interface Caller {
  measure(seconds: number): Promise<ArmRun>;
  logOut(): Promise<LogoutsFelt | undefined>;
  stop(): Promise<void>;
}

export async function startCaller(arm: ArmName, setup: ArmSetup): Promise<Caller> {
  const child = forkModule('peers/caller-process.ts', `the caller with ${arm}`);
  const ask = async <Kind extends CallerAnswer['kind']>(order: CallerOrder, kind: Kind) => {
    child.send(order);
    const answer = await nextMessage<CallerAnswer>(child);
    if (answer.kind === 'failed') throw new Error(`${arm}: ${answer.problem}`);
    if (answer.kind !== kind) throw new Error(`${arm} answered ${answer.kind}`);
    return answer as Extract<CallerAnswer, { kind: Kind }>;
  };
  try {
    await ask({ kind: 'open', arm, setup }, 'opened');
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    measure: async (seconds) => (await ask({ kind: 'measure', seconds }, 'measured')).run,
    logOut: async () => (await ask({ kind: 'log-out' }, 'logged-out')).stillYesMs,
    stop: () => stop(child),
  };
}
