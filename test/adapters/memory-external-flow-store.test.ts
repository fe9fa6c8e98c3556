import { expect, test } from '@jest/globals';
import { MemoryExternalFlowStore } from '../../src/adapters/memory/memory-external-flow-store.ts';
import { FLOW_TTL_MS } from '../../src/core/sign-in/external-flow.ts';
import { aFlow, externalFlowStoreLaw } from '../conformance/external-flow-store.ts';

const shared = new MemoryExternalFlowStore();

externalFlowStoreLaw('memory', () => shared);

test('flows in memory that have expired take no room', async () => {
  const store = new MemoryExternalFlowStore();
  const now = Date.now();
  await store.create(aFlow(now), now);
  await store.create(aFlow(now + FLOW_TTL_MS), now + FLOW_TTL_MS);
  expect(store.size).toBe(1);
});
