import { setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';

export interface BcryptJob {
  readonly threads: number;
  readonly nice: number;
  readonly cost: number;
  readonly seconds: number;
}

/** The length of the bcrypt input in the service: 48 bytes in base64. */
const INPUT = 'b'.repeat(64);

/** When each comparison finished, in threads that do nothing else; milliseconds from an arbitrary start. */
export async function compareInThreads(job: BcryptJob): Promise<readonly number[]> {
  const hash = bcrypt.hashSync(INPUT, job.cost);
  const done = Array.from({ length: job.threads }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...job, hash } });
    return new Promise<number[]>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
  });
  return (await Promise.all(done)).flat();
}

function compareUntilDone({ hash, nice, seconds }: BcryptJob & { readonly hash: string }): void {
  // On Linux this is the priority of the calling thread only.
  setPriority(nice);
  const endsAt = performance.now() + seconds * 1000;
  const doneAtMs: number[] = [];
  while (performance.now() < endsAt) {
    if (!bcrypt.compareSync(INPUT, hash)) throw new Error('bcrypt does not accept its own hash');
    doneAtMs.push(performance.timeOrigin + performance.now());
  }
  parentPort?.postMessage(doneAtMs);
}

if (!isMainThread) compareUntilDone(workerData as Parameters<typeof compareUntilDone>[0]);
