import { parentPort } from 'node:worker_threads';
import type { BcryptJob } from '../../src/adapters/bcrypt/bcrypt-worker.ts';

/** A worker of the bcrypt pool that crashes on request. */
parentPort?.on('message', (job: BcryptJob) => {
  if (job.input === 'exit') process.exit(7);
  if (job.input === 'throw') throw new Error('told to throw');
  parentPort?.postMessage({ kind: 'done', result: 'alive' });
});
parentPort?.postMessage({ kind: 'done', result: true });
