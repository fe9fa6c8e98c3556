import { parentPort } from 'node:worker_threads';
import type { BcryptJob } from '../../src/adapters/bcrypt/bcrypt-worker.ts';

/** A worker of the bcrypt pool that dies when it is asked to. */
parentPort?.on('message', (job: BcryptJob) => {
  if (job.input === 'die') process.exit(7);
  if (job.input === 'throw') throw new Error('a frail worker');
  parentPort?.postMessage({ kind: 'done', result: 'alive' });
});
parentPort?.postMessage({ kind: 'ready' });
