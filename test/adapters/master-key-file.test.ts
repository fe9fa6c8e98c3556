import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readOrMakeMasterKey } from '../../src/adapters/files/master-key-file.ts';

let root: string;
let file: string;

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'latchkey-'));
  file = path.join(root, 'data', 'master-key');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('the master key of the data folder', () => {
  test('is created once, readable by its owner only', () => {
    const made = readOrMakeMasterKey(file);
    expect(made).toHaveLength(32);
    expect(readOrMakeMasterKey(file)).toEqual(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, 'utf8')).toBe(`${made.toString('base64url')}\n`);
  });

  test('leaves nothing else in the folder', () => {
    readOrMakeMasterKey(file);
    expect(readdirSync(path.dirname(file))).toEqual(['master-key']);
  });

  test('differs in each folder', () => {
    expect(readOrMakeMasterKey(file)).not.toEqual(
      readOrMakeMasterKey(path.join(root, 'other', 'master-key')),
    );
  });

  test('is the same for all threads that create it at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => keyOfAnotherThread(file)));
    expect(new Set(keys)).toEqual(new Set([readOrMakeMasterKey(file).toString('base64url')]));
    expect(readdirSync(path.dirname(file))).toEqual(['master-key']);
  });

  test.each([0o644, 0o640, 0o620, 0o604])('is refused if others have access to the file: mode %o', (mode) => {
    readOrMakeMasterKey(file);
    chmodSync(file, mode);
    expect(() => readOrMakeMasterKey(file)).toThrow(`chmod 600 ${file}`);
  });

  test.each([
    ['is empty', ''],
    ['is cut', 'AAAA\n'],
    ['is no base64url', `${'+'.repeat(43)}\n`],
    ['is too long', 'A'.repeat(5_000)],
  ])('is refused, and not replaced, if the file %s', (_, content) => {
    mkdirSync(path.dirname(file));
    writeFileSync(file, content, { mode: 0o600 });
    expect(() => readOrMakeMasterKey(file)).toThrow(expect.objectContaining({ reason: 'INTERNAL' }));
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('is refused if the path is a folder or is below a file', () => {
    mkdirSync(file, { recursive: true, mode: 0o700 });
    chmodSync(file, 0o700);
    expect(() => readOrMakeMasterKey(file)).toThrow(expect.objectContaining({ reason: 'INTERNAL' }));
    writeFileSync(path.join(root, 'plain'), '');
    expect(() => readOrMakeMasterKey(path.join(root, 'plain', 'master-key'))).toThrow(/cannot be/);
  });
});

function keyOfAnotherThread(keyFile: string): Promise<string> {
  const module = new URL('../../src/adapters/files/master-key-file.ts', import.meta.url).href;
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { readOrMakeMasterKey } = await import(workerData.module);
    parentPort.postMessage(readOrMakeMasterKey(workerData.keyFile).toString('base64url'));`;
  return new Promise((resolve, reject) => {
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, { workerData: { module, keyFile } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
