import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';
import { BcryptPool, type BcryptPoolOptions } from '../../src/adapters/bcrypt/bcrypt-pool.ts';

const LOW_COST = 4;
/** Keeps a thread busy for some tens of milliseconds. Never measured. */
const HIGH_COST = 9;
const CRASHING_WORKER = new URL('../support/crashing-worker.ts', import.meta.url);

const opened: BcryptPool[] = [];

async function open(options: Partial<BcryptPoolOptions> = {}): Promise<BcryptPool> {
  const pool = await BcryptPool.open({ threads: 1, ...options });
  opened.push(pool);
  return pool;
}

const folder = mkdtempSync(join(tmpdir(), 'latchkey-bcrypt-'));
/** A worker module that a test writes, so that it can make new threads fail to start. */
const workerFile = join(folder, 'worker.mjs');
const writeStartingWorker = (): void => {
  writeFileSync(workerFile, `await import(${JSON.stringify(CRASHING_WORKER.href)});`);
};
const writeFailingWorker = (): void => writeFileSync(workerFile, "throw new Error('cannot start');");

afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the bcrypt threads', () => {
  test('hash and verify as the library does', async () => {
    const pool = await open();
    const hash = await pool.hash('secret', LOW_COST);
    expect(bcrypt.compareSync('secret', hash)).toBe(true);
    expect(await pool.verify('secret', hash, LOW_COST)).toBe(true);
    expect(await pool.verify('other', hash, LOW_COST)).toBe(false);
  });

  test('answer false for a malformed hash', async () => {
    const pool = await open();
    const hash = await pool.hash('secret', LOW_COST);
    for (const wrong of ['', 'text', `${hash}\0junk`, hash.replace('$2b$', '$2y$')]) {
      expect(await pool.verify('secret', wrong, LOW_COST)).toBe(false);
    }
  });

  test('give each of many callers its own result', async () => {
    const pool = await open({ threads: 2 });
    const inputs = Array.from({ length: 20 }, (_, index) => `secret ${index}`);
    const hashes = await Promise.all(inputs.map((input) => pool.hash(input, LOW_COST)));
    const answers = await Promise.all(
      hashes.flatMap((hash, index) => [
        pool.verify(`secret ${index}`, hash, LOW_COST),
        pool.verify(`secret ${index + 1}`, hash, LOW_COST),
      ]),
    );
    expect(answers).toEqual(inputs.flatMap(() => [true, false]));
  });

  test('refuse input that bcrypt would truncate', async () => {
    const pool = await open();
    for (const input of ['x'.repeat(73), 'before\0after']) {
      await expect(pool.hash(input, LOW_COST)).rejects.toMatchObject({ reason: 'INTERNAL' });
      await expect(pool.verify(input, '', LOW_COST)).rejects.toMatchObject({ reason: 'INTERNAL' });
    }
  });

  test('fail a job that the library refuses, and continue with the next', async () => {
    const pool = await open();
    await expect(pool.verify('secret', '', Number.NaN)).rejects.toMatchObject({ reason: 'INTERNAL' });
    expect(await pool.hash('secret', LOW_COST)).toMatch(/^\$2b\$04\$/);
  });

  (process.platform === 'linux' ? test : test.skip)(
    'run at nice 10 while the main thread does not',
    async () => {
      await open({ threads: 2 });
      const niceOf = (path: string): number => {
        const fields = readFileSync(`${path}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return Number(fields[16]);
      };
      const tasks = readdirSync('/proc/self/task').map((id) => niceOf(`/proc/self/task/${id}`));
      expect(tasks.filter((nice) => nice === niceOf('/proc/self') + 10)).toHaveLength(2);
    },
  );
});

describe('a bcrypt thread that dies', () => {
  test('fails its job with an error and is replaced', async () => {
    const lost: Error[] = [];
    const pool = await open({ workerUrl: CRASHING_WORKER, onThreadLost: (cause) => lost.push(cause) });
    const doomed = pool.hash('exit', LOW_COST);
    const behind = pool.hash('live', LOW_COST);
    await expect(doomed).rejects.toMatchObject({
      reason: 'INTERNAL',
      cause: expect.objectContaining({ message: expect.stringContaining('exit code 7') }),
    });
    expect(await behind).toBe('alive');
    expect(lost).toHaveLength(1);
  });

  test('from an exception reports the exception', async () => {
    const pool = await open({ workerUrl: CRASHING_WORKER });
    await expect(pool.hash('throw', LOW_COST)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('told to throw') }),
    });
    expect(await pool.hash('live', LOW_COST)).toBe('alive');
  });

  test('before it is ready makes opening fail and leaves no thread', async () => {
    writeFailingWorker();
    await expect(open({ threads: 2, workerUrl: pathToFileURL(workerFile) })).rejects.toMatchObject({
      reason: 'INTERNAL',
      cause: expect.objectContaining({ message: expect.stringContaining('cannot start') }),
    });
  });

  test('and cannot be replaced fails the waiting job, and is replaced once threads start again', async () => {
    writeStartingWorker();
    const pool = await open({ workerUrl: pathToFileURL(workerFile) });
    writeFailingWorker();
    const running = pool.hash('exit', LOW_COST);
    const waiting = pool.hash('live', LOW_COST);
    await expect(running).rejects.toMatchObject({ reason: 'INTERNAL' });
    await expect(waiting).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('cannot start') }),
    });

    writeStartingWorker();
    expect(await pool.hash('live', LOW_COST)).toBe('alive');
  });
});

describe('closing', () => {
  test('fails waiting jobs, finishes running jobs and refuses new ones', async () => {
    const pool = await open();
    const running = pool.hash('secret', HIGH_COST);
    const waiting = pool.hash('secret', LOW_COST);
    const closed = pool.close();
    await expect(waiting).rejects.toMatchObject({ reason: 'DRAINING' });
    await expect(pool.hash('secret', LOW_COST)).rejects.toMatchObject({ reason: 'DRAINING' });
    expect(await running).toMatch(/^\$2b\$/);
    await closed;
  });

  test('waits for the running job of every thread', async () => {
    const pool = await open({ threads: 2 });
    const jobs = [pool.hash('short', LOW_COST), pool.hash('long', HIGH_COST)];
    await pool.close();
    await expect(Promise.all(jobs)).resolves.toHaveLength(2);
  });

  test('is idempotent', async () => {
    const pool = await open();
    await pool.close();
    await pool.close();
  });

  test('does not report the threads that it stops as lost', async () => {
    const lost: Error[] = [];
    const pool = await open({ onThreadLost: (cause) => lost.push(cause) });
    await pool.close();
    expect(lost).toEqual([]);
  });
});
