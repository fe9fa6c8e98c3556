import type { Command } from 'commander';
import type { LatchkeyClient } from '../client/index.ts';
import { asAdmin, credentialOf } from './admin-session.ts';
import type { GlobalOptions } from './connection.ts';
import type { NewPasswordOptions } from './new-password.ts';
import { type Output, write } from './output.ts';
import type { Terminal } from './terminal.ts';

/** Calls the service and returns the output, if any. */
type Work<Asked> = (client: LatchkeyClient, signal: AbortSignal, asked: Asked) => Promise<Output | undefined>;

/**
 * Runs the work of a command as an admin and prints its output.
 *
 * @param command the command that was called, with its own and the global options.
 */
export function run(command: Command, terminal: Terminal, work: Work<undefined>): Promise<void> {
  return runAsking(command, terminal, async () => undefined, work);
}

/** As `run`, for work that needs input. `ask` prompts for it after the prompt for the admin's password. */
export async function runAsking<Asked>(
  command: Command,
  terminal: Terminal,
  ask: () => Promise<Asked>,
  work: Work<Asked>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions & NewPasswordOptions>();
  const stdinIsTaken = options.passwordStdin === true || options.passwordHashStdin === true;
  const credential = await credentialOf(options, terminal, stdinIsTaken);
  const asked = await ask();
  const { signal } = terminal;
  const output = await asAdmin(options, credential, terminal, (client) => work(client, signal, asked));
  if (output !== undefined) write(terminal, options.json === true, output);
}

/** Checks a field that the service must send. */
export function sent<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The service sent an incomplete response; check its version.');
  return value;
}
