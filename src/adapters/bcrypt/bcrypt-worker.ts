import os from 'node:os';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcrypt';

/** What a thread is asked to do. */
export type BcryptJob =
  | { readonly kind: 'hash'; readonly input: string; readonly cost: number }
  | { readonly kind: 'verify'; readonly input: string; readonly hash: string; readonly asDearAs: number };

/** What a thread answers: `ready` once, and then one message to every job. */
export type BcryptReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: string | boolean }
  | { readonly kind: 'failed'; readonly message: string };

/** What of the library a job uses. */
export type BcryptEngine = Pick<typeof bcrypt, 'hashSync' | 'compareSync'>;

/** The whole of the hash, nothing after it: the library itself would let anything follow a NUL. */
const WELL_FORMED = /^\$2[ab]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;
const SPARE_SALT = 'latchkeySpendsTheTime.';

/** Runs one job. Every step blocks the thread it runs in. */
export function runJob(job: BcryptJob, engine: BcryptEngine): string | boolean {
  if (job.kind === 'hash') return engine.hashSync(job.input, job.cost);
  const cost = WELL_FORMED.exec(job.hash)?.[1];
  if (cost === undefined) {
    spend(job.asDearAs, job.input, engine);
    return false;
  }
  const matches = engine.compareSync(job.input, job.hash);
  // 2^c for the comparison, then 2^c + 2^(c+1) + ... + 2^(C-1): together 2^C, the price of one at cost C.
  for (let step = Number(cost); step < job.asDearAs; step++) spend(step, job.input, engine);
  return matches;
}

function spend(cost: number, input: string, engine: BcryptEngine): void {
  engine.hashSync(input, `$2b$${String(cost).padStart(2, '0')}$${SPARE_SALT}`);
}

/** Linux lowers the calling thread alone; elsewhere it would be the whole process, which is worse than nothing. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
}

function serve(port: NonNullable<typeof parentPort>): void {
  stepBack();
  const reply = (message: BcryptReply): void => port.postMessage(message);
  port.on('message', (job: BcryptJob) => {
    try {
      reply({ kind: 'done', result: runJob(job, bcrypt) });
    } catch (error) {
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  });
  reply({ kind: 'ready' });
}

if (parentPort !== null) serve(parentPort);
