import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { descriptorsOf, ServiceWithWorkers } from '../support/service-with-workers.ts';

const START_LIMIT_MS = 15_000;

let site: ServiceWithWorkers;
let writer: DatabaseSync;

beforeEach(async () => {
  site = await ServiceWithWorkers.start({ LATCHKEY_WORKERS: '2', LATCHKEY_DRAIN_TIMEOUT: '1s' });
  writer = new DatabaseSync(join(site.dataDir, 'latchkey.db'));
});

afterEach(async () => {
  writer.close();
  await site.stop();
});

/** Ends one worker and waits until the one that replaces it waits for the database, which this test holds. */
async function untilOneStarts(): Promise<number> {
  const before = new Set(site.workerPids());
  writer.exec('begin immediate');
  process.kill(Number(site.logged('worker serves')[0]?.['pid']), 'SIGKILL');
  return nextThatStarts(before);
}

async function nextThatStarts(before: ReadonlySet<number>): Promise<number> {
  const started = () => site.workerPids().find((pid) => !before.has(pid));
  await eventually(() => {
    const pid = started();
    return pid !== undefined && descriptorsOf(pid).some((path) => path.endsWith('/latchkey.db'));
  }, START_LIMIT_MS);
  return started() ?? 0;
}

test('a worker that is still starting is ended by a SIGTERM to the service, which still ends cleanly', async () => {
  await untilOneStarts();
  const { code, log } = await site.process.stop();
  expect(log.at(-1)).toMatchObject({ msg: 'stopped', clean: true });
  expect(code).toBe(0);
});

test('a worker that is still starting is ended by a SIGTERM to itself, and replaced', async () => {
  const pid = await untilOneStarts();
  const before = new Set(site.workerPids());
  process.kill(pid, 'SIGTERM');
  await nextThatStarts(before);
  expect(site.logged('a worker could not start; trying again')).toEqual([
    expect.objectContaining({ pid, signal: 'SIGTERM' }),
  ]);
});
