import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';
import { BcryptPool, type BcryptPoolOptions } from '../../src/adapters/bcrypt/bcrypt-pool.ts';

const CHEAP = 4;
/** Long enough to be under way while the test goes on; never measured. */
const DEAR = 9;
const FRAIL_WORKER = new URL('../support/frail-worker.ts', import.meta.url);
const STILLBORN_WORKER = new URL('../support/stillborn-worker.ts', import.meta.url);

const opened: BcryptPool[] = [];

async function open(options: Partial<BcryptPoolOptions> = {}): Promise<BcryptPool> {
  const pool = await BcryptPool.open({ threads: 1, ...options });
  opened.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

describe('the bcrypt threads', () => {
  test('hash and verify as the library does', async () => {
    const pool = await open();
    const hash = await pool.hash('secret', CHEAP);
    expect(bcrypt.compareSync('secret', hash)).toBe(true);
    expect(await pool.verify('secret', hash, CHEAP)).toBe(true);
    expect(await pool.verify('other', hash, CHEAP)).toBe(false);
  });

  test('answer false for a hash that is not well formed', async () => {
    const pool = await open();
    const hash = await pool.hash('secret', CHEAP);
    for (const wrong of ['', 'text', `${hash}\0junk`, hash.replace('$2b$', '$2y$')]) {
      expect(await pool.verify('secret', wrong, CHEAP)).toBe(false);
    }
  });

  test('give each of many callers their own answer', async () => {
    const pool = await open({ threads: 2 });
    const inputs = Array.from({ length: 20 }, (_, index) => `secret ${index}`);
    const hashes = await Promise.all(inputs.map((input) => pool.hash(input, CHEAP)));
    const answers = await Promise.all(
      hashes.flatMap((hash, index) => [
        pool.verify(`secret ${index}`, hash, CHEAP),
        pool.verify(`secret ${index + 1}`, hash, CHEAP),
      ]),
    );
    expect(answers).toEqual(inputs.flatMap(() => [true, false]));
  });

  test('refuse what bcrypt would cut', async () => {
    const pool = await open();
    for (const input of ['x'.repeat(73), 'before\0after']) {
      await expect(pool.hash(input, CHEAP)).rejects.toMatchObject({ reason: 'INTERNAL' });
      await expect(pool.verify(input, '', CHEAP)).rejects.toMatchObject({ reason: 'INTERNAL' });
    }
  });

  test('fail a job that the library refuses, and go on', async () => {
    const pool = await open();
    await expect(pool.verify('secret', '', Number.NaN)).rejects.toMatchObject({ reason: 'INTERNAL' });
    expect(await pool.hash('secret', CHEAP)).toMatch(/^\$2b\$04\$/);
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

describe('a thread that dies', () => {
  test('fails its job clearly and is replaced', async () => {
    const lost: Error[] = [];
    const pool = await open({ workerUrl: FRAIL_WORKER, onThreadLost: (cause) => lost.push(cause) });
    const doomed = pool.hash('die', CHEAP);
    const behind = pool.hash('live', CHEAP);
    await expect(doomed).rejects.toMatchObject({
      reason: 'INTERNAL',
      cause: expect.objectContaining({ message: expect.stringContaining('exit code 7') }),
    });
    expect(await behind).toBe('alive');
    expect(lost).toHaveLength(1);
  });

  test('by an error says which', async () => {
    const pool = await open({ workerUrl: FRAIL_WORKER });
    await expect(pool.hash('throw', CHEAP)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('frail') }),
    });
    expect(await pool.hash('live', CHEAP)).toBe('alive');
  });

  test('before it could work fails the opening, and nothing is left', async () => {
    await expect(open({ threads: 2, workerUrl: STILLBORN_WORKER })).rejects.toMatchObject({
      reason: 'INTERNAL',
      cause: expect.objectContaining({ message: expect.stringContaining('stillborn') }),
    });
  });
});

describe('closing', () => {
  test('fails what waits, finishes what runs and takes nothing more', async () => {
    const pool = await open();
    const running = pool.hash('secret', DEAR);
    const waiting = pool.hash('secret', CHEAP);
    const closed = pool.close();
    await expect(waiting).rejects.toMatchObject({ reason: 'DRAINING' });
    await expect(pool.hash('secret', CHEAP)).rejects.toMatchObject({ reason: 'DRAINING' });
    expect(await running).toMatch(/^\$2b\$/);
    await closed;
  });

  test('twice is no fault', async () => {
    const pool = await open();
    await pool.close();
    await pool.close();
  });

  test('does not report the threads it ends as lost', async () => {
    const lost: Error[] = [];
    const pool = await open({ onThreadLost: (cause) => lost.push(cause) });
    await pool.close();
    expect(lost).toEqual([]);
  });
});
