import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PolledFile } from '../../src/adapters/files/polled-file.ts';

const NEVER_MS = 3_600_000;

let folder: string;
let file: string;
let polled: PolledFile<number> | undefined;
let changes: number[];
let problems: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latchkey-polled-'));
  file = path.join(folder, 'number');
  [changes, problems, polled] = [[], [], undefined];
});

afterEach(async () => {
  await polled?.close();
  await rm(folder, { recursive: true });
});

async function open(content: string): Promise<PolledFile<number>> {
  await writeFile(file, content);
  polled = await PolledFile.open({
    ...{ file, intervalMs: NEVER_MS },
    parse: (bytes) => {
      const value = Number(bytes.toString());
      if (Number.isNaN(value)) throw new Error(`${bytes} is no number`);
      return value;
    },
    onChange: (value) => changes.push(value),
    onProblem: (error) => problems.push(String(error)),
  });
  return polled;
}

describe('a polled file', () => {
  test('is read once at the start, and again only after a change', async () => {
    const { content } = await open('1');
    await polled?.poll();
    expect([content, polled?.content, changes, problems]).toEqual([1, 1, [], []]);
    await writeFile(file, '22');
    await Promise.all([polled?.poll(), polled?.poll()]);
    expect([polled?.content, changes]).toEqual([22, [22]]);
  });

  test('has changed if it has the same size at another time, or if another file took its place', async () => {
    await open('1');
    await writeFile(file, '2');
    await utimes(file, 1, 1);
    await polled?.poll();
    const other = path.join(folder, 'other');
    await writeFile(other, '3');
    await utimes(other, 1, 1);
    await rename(other, file);
    await polled?.poll();
    expect(changes).toEqual([2, 3]);
  });

  test('that becomes wrong keeps the previous content, is reported at each look, and is read once it is right', async () => {
    await open('1');
    await writeFile(file, 'one');
    await polled?.poll();
    await polled?.poll();
    await rm(file);
    await polled?.poll();
    expect([polled?.content, changes]).toEqual([1, []]);
    expect(problems).toEqual([
      'Error: one is no number',
      'Error: one is no number',
      expect.stringContaining('ENOENT'),
    ]);
    await writeFile(file, '10');
    await polled?.poll();
    expect([polled?.content, changes]).toEqual([10, [10]]);
  });

  test('does not open if it is missing, wrong, or not a file', async () => {
    await expect(open('one')).rejects.toThrow('one is no number');
    const options = { intervalMs: NEVER_MS, parse: () => 1, onChange: () => {}, onProblem: () => {} };
    await expect(PolledFile.open({ ...options, file: path.join(folder, 'none') })).rejects.toThrow('ENOENT');
    await expect(PolledFile.open({ ...options, file: folder })).rejects.toThrow('it is not a file');
  });
});
