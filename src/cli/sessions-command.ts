import type { Command } from 'commander';
import { run } from './action.ts';
import { allPages } from './all-pages.ts';
import { sessionOutput } from './output.ts';
import { type Terminal, UsageError } from './terminal.ts';
import { findUser, USER } from './users.ts';

const PAGE_SIZE = 100;

export function addSessionsCommand(program: Command, terminal: Terminal): void {
  const sessions = program.command('sessions').description('show and end the sessions of a user');
  sessions
    .command('list', { isDefault: true })
    .description('show the living sessions, newest first; `sessions <user>` is short for it')
    .argument('<user>', USER)
    .option('--ended', 'then also those that ended in the last 30 days')
    .action((name: string, { ended: includeEnded = false }: { ended?: boolean }, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const { userId } = await findUser(client, name, signal);
        const request = { userId, pageSize: PAGE_SIZE, includeEnded };
        const sessions = await allPages(
          (pageToken) => client.userSessions.listSessions({ ...request, pageToken }, { signal }),
          (page) => page.sessions,
        );
        return sessionOutput(sessions, includeEnded);
      }),
    );
  sessions
    .command('end')
    .description('end one session, or all of them with --all')
    .argument('<user>', USER)
    .argument('[session]', 'id of the session')
    .option('--all', 'end all sessions of the user')
    .action((name: string, sessionId: string | undefined, options: { all?: true }, command: Command) => {
      if ((sessionId === undefined) !== (options.all === true)) {
        throw new UsageError('Pass the id of a session, or --all to end all sessions of the user.');
      }
      return run(command, terminal, async (client, signal) => {
        const { userId } = await findUser(client, name, signal);
        if (sessionId === undefined) await client.userSessions.endAllSessions({ userId }, { signal });
        else await client.userSessions.endSession({ userId, sessionId }, { signal });
        const ended = sessionId ?? 'all';
        return { json: { userId, ended }, columns: ['ENDED', 'USER'], rows: [[ended, userId]] };
      });
    });
}
