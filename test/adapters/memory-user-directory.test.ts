import { userDirectoryLaw } from '../conformance/user-directory.ts';
import { MemoryUserDirectory } from '../support/memory-user-directory.ts';

userDirectoryLaw('memory', async () => {
  const users = new MemoryUserDirectory();
  return [users, users];
});
