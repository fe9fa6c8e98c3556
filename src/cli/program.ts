import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addGlobalOptions, type GlobalOptions } from './connection.ts';
import { addKeysCommand } from './keys-command.ts';
import { EXIT, report } from './outcome.ts';
import type { Terminal } from './terminal.ts';
import { addUsersCommand } from './users-command.ts';

const FOOTER = `
The service sees an admin: LATCHKEY_USERNAME and LATCHKEY_PASSWORD sign in for the length of the command,
or LATCHKEY_TOKEN is an access token. Without LATCHKEY_PASSWORD it is asked for, or read from standard input.

Exit codes: 0 done, 1 refused (the reason is on stderr), 2 wrong usage,
3 no answer, or a store of the service is down: try again later, 130 interrupted.`;

/**
 * Runs one command.
 *
 * @param args what follows the name of the program.
 * @returns the exit code, one of `EXIT`.
 */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return report(error, program.opts<GlobalOptions>(), terminal);
  }
}

/** The package's, which is beside the sources and what is built of them alike. */
function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command('latchkey')
    .description('Administers a latchkey service.')
    .version(version(), '--version', 'which version this is')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', FOOTER);
  addGlobalOptions(program);
  addUsersCommand(program, terminal);
  addKeysCommand(program, terminal);
  return program;
}
