import { MemoryKeyStore } from '../../src/adapters/memory/memory-key-store.ts';
import { keyStoreLaw } from '../conformance/key-store.ts';

keyStoreLaw('memory', async () => {
  const keys = new MemoryKeyStore();
  return [keys, keys];
});
