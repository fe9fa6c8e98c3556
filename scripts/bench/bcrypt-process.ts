// Started by ./bcrypt-alone.ts: as many threads as it says, each comparing one password after the other.
import { setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';
import type { BcryptOrder } from './bcrypt-alone.ts';

/** The length of what the service hands to bcrypt: 48 bytes in base64. */
const INPUT = 'b'.repeat(64);

interface ThreadOrder extends BcryptOrder {
  readonly hash: string;
}

if (isMainThread) {
  process.on('disconnect', () => process.exit(1));
  process.once('message', (order: BcryptOrder) => void compareInThreads(order));
} else {
  compareUntilDone(workerData as ThreadOrder);
}

async function compareInThreads(order: BcryptOrder): Promise<void> {
  const hash = bcrypt.hashSync(INPUT, order.cost);
  const done = Array.from({ length: order.count }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...order, hash } });
    return new Promise<number[]>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
  });
  process.send?.((await Promise.all(done)).flat());
}

function compareUntilDone({ hash, nice, seconds }: ThreadOrder): void {
  // On Linux this is the priority of the calling thread alone.
  setPriority(nice);
  const epoch = performance.timeOrigin;
  const endsAt = performance.now() + seconds * 1000;
  const doneAtMs: number[] = [];
  while (performance.now() < endsAt) {
    if (!bcrypt.compareSync(INPUT, hash)) throw new Error('bcrypt does not know its own hash');
    doneAtMs.push(epoch + performance.now());
  }
  parentPort?.postMessage(doneAtMs);
}
