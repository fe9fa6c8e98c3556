import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAuditCommand } from './audit-command.ts';
import { addGlobalOptions, type GlobalOptions } from './connection.ts';
import { addExplainCommand } from './explain-command.ts';
import { addIdentitiesCommand } from './identities-command.ts';
import { addKeysCommand } from './keys-command.ts';
import { EXIT, report } from './outcome.ts';
import { addQrCommand } from './qr-command.ts';
import { addSessionsCommand } from './sessions-command.ts';
import type { Terminal } from './terminal.ts';
import { addUsersCommand } from './users-command.ts';

const FOOTER = `
Every command but qr needs an admin. It signs in with LATCHKEY_USERNAME and LATCHKEY_PASSWORD and signs out at the end,
or uses the access token in LATCHKEY_TOKEN. Without LATCHKEY_PASSWORD it prompts or reads standard input.

Exit codes: 0 success, 1 refused (the reason is on stderr), 2 usage error,
3 no answer, or a store of the service is down: try again later, 130 interrupted.`;

/**
 * Runs one command.
 *
 * @param args the arguments after the name of the program.
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

/** The version of the package. The path is the same from `src` and from `dist`. */
function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command('latchkey')
    .description('Administers a latchkey service.')
    .version(version(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .showHelpAfterError('(use --help for details)')
    .addHelpText('after', FOOTER);
  addGlobalOptions(program);
  addUsersCommand(program, terminal);
  addSessionsCommand(program, terminal);
  addIdentitiesCommand(program, terminal);
  addKeysCommand(program, terminal);
  addAuditCommand(program, terminal);
  addExplainCommand(program, terminal);
  addQrCommand(program, terminal);
  return program;
}
