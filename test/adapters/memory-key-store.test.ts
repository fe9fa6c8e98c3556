import { keyStoreLaw } from '../conformance/key-store.ts';
import { MemoryKeyStore } from '../support/memory-key-store.ts';

keyStoreLaw('memory', async () => {
  const keys = new MemoryKeyStore();
  return [keys, keys];
});
