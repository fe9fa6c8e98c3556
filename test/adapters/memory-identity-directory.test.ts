import { identityDirectoryLaw } from '../conformance/identity-directory.ts';
import { MemoryIdentityDirectory } from '../support/memory-identity-directory.ts';
import { MemoryUserDirectory } from '../support/memory-user-directory.ts';

identityDirectoryLaw(
  'memory',
  async () => {
    const users = new MemoryUserDirectory();
    const opened = { users, identities: new MemoryIdentityDirectory(users) };
    return [opened, opened];
  },
  async ({ identities }) => (identities as MemoryIdentityDirectory).auditEvents.length,
);
