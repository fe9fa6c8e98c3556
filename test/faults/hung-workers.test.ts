import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

/** After 10 s a silent worker is killed; the check comes once a second. */
const NOTICED_WITHIN_MS = 15_000;

let site: ServiceWithWorkers;

beforeEach(async () => {
  site = await ServiceWithWorkers.start();
});

afterEach(() => site.stop());

test('a worker that hangs is logged, killed and replaced, and the others go on', async () => {
  const [hung, ...others] = site.workerPids();
  process.kill(hung ?? 0, 'SIGSTOP');
  await eventually(() => site.logged('a worker hangs; it is killed').length > 0, NOTICED_WITHIN_MS);
  expect(site.logged('a worker hangs; it is killed')).toEqual([expect.objectContaining({ pid: hung })]);
  await eventually(() => site.logged('a worker ended; it is replaced').length > 0);
  await eventually(() => site.isReady(), NOTICED_WITHIN_MS);
  expect(site.workerPids()).toHaveLength(3);
  expect(site.workerPids()).toEqual(expect.arrayContaining(others));
  expect(await site.process.stop()).toMatchObject({ code: 0 });
});

test('no worker is killed after the supervisor was suspended itself', async () => {
  const before = site.workerPids();
  site.process.freeze();
  // Longer than a worker may be silent: there is no condition to wait for while the supervisor stands still.
  await wait(12_000);
  site.process.thaw();
  // Its overdue look at the workers comes before this answer.
  await eventually(() => site.isReady());
  expect(site.workerPids()).toEqual(before);
  expect(site.logged('a worker hangs; it is killed')).toEqual([]);
});
