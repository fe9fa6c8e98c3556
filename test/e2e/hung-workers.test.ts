import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

let context: ServiceWithWorkers;
/** Two workers: one is frozen from the start of the test, the other serves. */
let hung: number;

beforeEach(async () => {
  context = await ServiceWithWorkers.start({ LATCHKEY_WORKERS: '2', LATCHKEY_DRAIN_TIMEOUT: '1s' });
  hung = Number(context.logged('worker is serving')[0]?.['pid']);
  process.kill(hung, 'SIGSTOP');
});

afterEach(() => context.stop());

test('a worker that hangs is killed at the end of the drain, and the others stop gracefully', async () => {
  const { code, log } = await context.process.stop();
  expect(log).toContainEqual(expect.objectContaining({ msg: 'worker hangs; killing it', pid: hung }));
  expect(context.logged('stopping').map(({ because }) => because)).toContain('order of the supervisor');
  // The calls of the hanging worker were cancelled.
  expect(log.at(-1)).toMatchObject({ msg: 'stopped', clean: false });
  expect(code).toBe(1);
});

test('metrics of the others are served while a worker hangs', async () => {
  expect(await context.metrics()).toMatch(/^latchkey_revocation_subscribers 0$/m);
});
