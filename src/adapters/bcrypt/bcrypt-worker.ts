import os from 'node:os';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcrypt';

/** A job for a thread. */
export type BcryptJob =
  | { readonly kind: 'hash'; readonly input: string; readonly cost: number }
  | { readonly kind: 'verify'; readonly input: string; readonly hash: string; readonly targetCost: number };

/** A message from a thread: one when it is ready, then one for each job. */
export type BcryptReply =
  | { readonly kind: 'done'; readonly result: string | boolean }
  | { readonly kind: 'failed'; readonly message: string };

/** The part of the bcrypt library that a job uses. */
export type BcryptEngine = Pick<typeof bcrypt, 'hashSync' | 'compareSync'>;

/** Matches the complete hash. The library itself would ignore anything after a NUL. */
const WELL_FORMED = /^\$2[ab]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;
const SPARE_SALT = 'latchkeySpendsTheTime.';

/** Runs one job. Blocks the calling thread. */
export function runJob(job: BcryptJob, engine: BcryptEngine): string | boolean {
  if (job.kind === 'hash') return engine.hashSync(job.input, job.cost);
  const cost = WELL_FORMED.exec(job.hash)?.[1];
  if (cost === undefined) {
    hashForWork(job.targetCost, job.input, engine);
    return false;
  }
  const matches = engine.compareSync(job.input, job.hash);
  // The comparison costs 2^c. The loop adds 2^c + 2^(c+1) + ... + 2^(C-1), so the total is 2^C: one hash at cost C.
  for (let step = Number(cost); step < job.targetCost; step++) hashForWork(step, job.input, engine);
  return matches;
}

function hashForWork(cost: number, input: string, engine: BcryptEngine): void {
  engine.hashSync(input, `$2b$${String(cost).padStart(2, '0')}$${SPARE_SALT}`);
}

/** Linux only: there it affects the calling thread. Elsewhere it would lower the whole process. */
function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
}

function serve(port: NonNullable<typeof parentPort>): void {
  lowerPriority();
  const reply = (message: BcryptReply): void => port.postMessage(message);
  port.on('message', (job: BcryptJob) => {
    try {
      reply({ kind: 'done', result: runJob(job, bcrypt) });
    } catch (error) {
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  });
  reply({ kind: 'done', result: true });
}

if (parentPort !== null) serve(parentPort);
