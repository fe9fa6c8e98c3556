import type { Command } from 'commander';
import type { LatchkeyClient, SigningKey } from '../client/index.ts';
import { run, sent } from './action.ts';
import { allPages } from './all-pages.ts';
import { keyOutput } from './output.ts';
import type { Terminal } from './terminal.ts';

const PAGE_SIZE = 100;

export function addKeysCommand(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('manage the keys that sign access tokens');
  keys
    .command('list')
    .description('show the published keys, newest first')
    .action((_options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => keyOutput(await everyKey(client, signal))),
    );
  keys
    .command('rotate')
    .description('create a key unless one is pending; it signs once all validators have had time to fetch it')
    .action((_options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const { key } = await client.keys.rotateSigningKey({}, { signal });
        return keyOutput([sent(key)], true);
      }),
    );
}

function everyKey(client: LatchkeyClient, signal: AbortSignal): Promise<readonly SigningKey[]> {
  return allPages(
    (pageToken) => client.keys.listSigningKeys({ pageSize: PAGE_SIZE, pageToken }, { signal }),
    ({ keys }) => keys,
  );
}
