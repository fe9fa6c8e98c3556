import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

let site: ServiceWithWorkers;
/** Two workers: the one hears nothing from the beginning of the test on, and the other serves. */
let hung: number;

beforeEach(async () => {
  site = await ServiceWithWorkers.start({ LATCHKEY_WORKERS: '2', LATCHKEY_DRAIN_TIMEOUT: '1s' });
  hung = Number(site.logged('worker serves')[0]?.['pid']);
  process.kill(hung, 'SIGSTOP');
});

afterEach(() => site.stop());

test('a worker that hangs is killed at the end of the drain, and the others end in good order', async () => {
  const { code, log } = await site.process.stop();
  expect(log).toContainEqual(expect.objectContaining({ msg: 'a worker hangs; it is killed', pid: hung }));
  expect(site.logged('stopping').map(({ because }) => because)).toContain('the order of the supervisor');
  // The calls of the worker that hung were cut off.
  expect(log.at(-1)).toMatchObject({ msg: 'stopped', clean: false });
  expect(code).toBe(1);
});

test('metrics of the others are served while a worker hangs', async () => {
  expect(await site.metrics()).toMatch(/^latchkey_revocation_watchers 0$/m);
});
