import { MemoryUserDirectory } from '../../src/adapters/memory/memory-user-directory.ts';
import { userDirectoryLaw } from '../conformance/user-directory.ts';

userDirectoryLaw('memory', async () => {
  const users = new MemoryUserDirectory();
  return [users, users];
});
