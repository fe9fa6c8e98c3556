// Started by ./run.ts with a channel: takes one job, reports, and waits to be ended.

import { flood } from './flood.ts';
import type { Job, JobResults, Report } from './job.ts';
import { listen } from './listeners.ts';
import { keepLoggingIn } from './logins.ts';
import { logOut } from './logouts.ts';
import { pace } from './pace.ts';
import { refresh } from './refresh.ts';
import { validations } from './validations.ts';

const finishing = new AbortController();
process.on('disconnect', () => process.exit(1));
process.on('message', (message: Job | 'finish') => {
  if (message === 'finish') finishing.abort();
  else void perform(message);
});

async function perform(job: Job): Promise<void> {
  try {
    report({ kind: 'done', result: await resultOf(job) });
  } catch (error) {
    report({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) });
  }
}

async function resultOf(job: Job): Promise<JobResults[keyof JobResults]> {
  const started = (): void => report({ kind: 'started' });
  switch (job.kind) {
    case 'flood':
      return await flood(job);
    case 'refresh':
      return await refresh(job);
    case 'pace':
      return await pace(job);
    case 'login':
      return await keepLoggingIn(job, started, finishing.signal);
    case 'validations':
      return await validations(job);
    case 'listen':
      return await listen(job, started, finishing.signal);
    case 'logouts':
      return await logOut(job);
  }
}

function report(message: Report): void {
  process.send?.(message);
}
