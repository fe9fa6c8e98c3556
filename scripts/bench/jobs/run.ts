import { forkModule, nextMessage, stop } from '../processes.ts';
import type { Job, JobResults, Report } from './job.ts';

export interface StartedJob<Result> {
  /** Asks a job without an end of its own to come to one, and waits for its result. */
  finish(): Promise<Result>;
}

/** Starts a job in a process of its own; resolves when its load is on. */
export async function startJob<Kind extends Job['kind']>(
  job: Extract<Job, { kind: Kind }>,
): Promise<StartedJob<JobResults[Kind]>> {
  const child = forkModule('jobs/process.ts', `the ${job.kind} job`);
  child.send(job);
  const first = await nextMessage<Report>(child);
  if (first.kind === 'failed') {
    await stop(child);
    throw new Error(`${job.kind}: ${first.problem}`);
  }
  const last = first.kind === 'done' ? Promise.resolve(first) : nextMessage<Report>(child);
  // Whoever finishes the job hears of its failure; until then it is nobody's unhandled rejection.
  last.catch(() => undefined);
  return {
    finish: async () => {
      if (child.connected) child.send('finish');
      const report = await last;
      await stop(child);
      if (report.kind !== 'done') {
        throw new Error(`${job.kind}: ${report.kind === 'failed' ? report.problem : report.kind}`);
      }
      return report.result as JobResults[Kind];
    },
  };
}

/** Runs a job that has an end of its own. */
export async function runJob<Kind extends Exclude<Job['kind'], 'login' | 'listen'>>(
  job: Extract<Job, { kind: Kind }>,
): Promise<JobResults[Kind]> {
  return await (await startJob<Kind>(job)).finish();
}
