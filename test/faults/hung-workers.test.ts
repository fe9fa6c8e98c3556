import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

/** A silent worker is killed after 10 s. The check runs once a second. */
const NOTICED_WITHIN_MS = 15_000;

let context: ServiceWithWorkers;

beforeEach(async () => {
  context = await ServiceWithWorkers.start();
});

afterEach(() => context.stop());

test('a worker that hangs is logged, killed and replaced, and the others continue', async () => {
  const [hung, ...others] = context.workerPids();
  process.kill(hung ?? 0, 'SIGSTOP');
  await eventually(() => context.logged('worker hangs; killing it').length > 0, NOTICED_WITHIN_MS);
  expect(context.logged('worker hangs; killing it')).toEqual([expect.objectContaining({ pid: hung })]);
  await eventually(() => context.logged('worker ended; replacing it').length > 0);
  await eventually(() => context.isReady(), NOTICED_WITHIN_MS);
  expect(context.workerPids()).toHaveLength(3);
  expect(context.workerPids()).toEqual(expect.arrayContaining(others));
  expect(await context.process.stop()).toMatchObject({ code: 0 });
});

test('no worker is killed after the supervisor was suspended itself', async () => {
  const before = context.workerPids();
  context.process.freeze();
  // Longer than the silence limit of a worker. There is no condition to wait for while the supervisor is frozen.
  await wait(12_000);
  context.process.thaw();
  // Its overdue check of the workers runs before this answer.
  await eventually(() => context.isReady());
  expect(context.workerPids()).toEqual(before);
  expect(context.logged('worker hangs; killing it')).toEqual([]);
});
