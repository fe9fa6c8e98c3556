import type { Command } from 'commander';
import type { LinkedIdentity } from '../client/index.ts';
import { run, sent } from './action.ts';
import { instant, type Output } from './output.ts';
import type { Terminal } from './terminal.ts';
import { findUser, USER } from './users.ts';

const PROVIDER = 'name of the identity provider';
const SUBJECT = "the provider's id of the account";

export function addIdentitiesCommand(program: Command, terminal: Terminal): void {
  const identities = program
    .command('identities')
    .description('show and link the accounts at identity providers that sign a user in');
  identities
    .command('list', { isDefault: true })
    .description('show the accounts; `identities <user>` is short for it')
    .argument('<user>', USER)
    .action((name: string, _options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const { userId } = await findUser(client, name, signal);
        const listed = await client.userIdentities.listUserIdentities({ userId }, { signal });
        return identityOutput(listed.identities);
      }),
    );
  identities
    .command('link')
    .description('let an account sign the user in')
    .argument('<user>', USER)
    .argument('<provider>', PROVIDER)
    .argument('<subject>', SUBJECT)
    .option('--name <name>', 'name of the account, for people', '')
    .action((name: string, provider: string, subject: string, options: { name: string }, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const { userId } = await findUser(client, name, signal);
        const request = { userId, provider, subject, displayName: options.name };
        const { identity } = await client.userIdentities.linkUserIdentity(request, { signal });
        return identityOutput([sent(identity)]);
      }),
    );
  identities
    .command('unlink')
    .description('let an account not sign the user in any more; ends no session')
    .argument('<user>', USER)
    .argument('<provider>', PROVIDER)
    .argument('<subject>', SUBJECT)
    .action((name: string, provider: string, subject: string, _options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const { userId } = await findUser(client, name, signal);
        await client.userIdentities.unlinkUserIdentity({ userId, provider, subject }, { signal });
        const unlinked = { userId, provider, subject };
        return {
          json: unlinked,
          columns: ['UNLINKED', 'SUBJECT', 'USER'],
          rows: [[provider, subject, userId]],
        };
      }),
    );
}

function identityOutput(identities: readonly LinkedIdentity[]): Output {
  return {
    json: identities,
    columns: ['PROVIDER', 'SUBJECT', 'NAME', 'LINKED', 'LAST USED'],
    rows: identities.map(({ provider, subject, displayName, linkedAt, lastUsedAt }) => [
      provider,
      subject,
      displayName || '-',
      instant(linkedAt),
      instant(lastUsedAt),
    ]),
  };
}
