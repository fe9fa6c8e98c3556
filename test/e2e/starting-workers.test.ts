import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { descriptorsOf, ServiceWithWorkers } from '../support/service-with-workers.ts';

const START_LIMIT_MS = 15_000;

let context: ServiceWithWorkers;
let writer: DatabaseSync;

beforeEach(async () => {
  context = await ServiceWithWorkers.start({ LATCHKEY_WORKERS: '2', LATCHKEY_DRAIN_TIMEOUT: '1s' });
  writer = new DatabaseSync(join(context.dataDir, 'latchkey.db'));
});

afterEach(async () => {
  writer.close();
  await context.stop();
});

/** Ends one worker and waits until its replacement waits for the database, which this test locks. */
async function untilOneStarts(): Promise<number> {
  const before = new Set(context.workerPids());
  writer.exec('begin immediate');
  process.kill(Number(context.logged('worker is serving')[0]?.['pid']), 'SIGKILL');
  return nextThatStarts(before);
}

async function nextThatStarts(before: ReadonlySet<number>): Promise<number> {
  const started = () => context.workerPids().find((pid) => !before.has(pid));
  await eventually(() => {
    const pid = started();
    return pid !== undefined && descriptorsOf(pid).some((path) => path.endsWith('/latchkey.db'));
  }, START_LIMIT_MS);
  return started() ?? 0;
}

test('a worker that is still starting ends when the service gets SIGTERM, and the service stops cleanly', async () => {
  await untilOneStarts();
  const { code, log } = await context.process.stop();
  expect(log.at(-1)).toMatchObject({ msg: 'stopped', clean: true });
  expect(code).toBe(0);
});

test('a worker that is still starting ends when it gets SIGTERM, and is replaced', async () => {
  const pid = await untilOneStarts();
  const before = new Set(context.workerPids());
  process.kill(pid, 'SIGTERM');
  await nextThatStarts(before);
  expect(context.logged('worker failed to start; retrying')).toEqual([
    expect.objectContaining({ pid, signal: 'SIGTERM' }),
  ]);
});
