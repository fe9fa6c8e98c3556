import type { Command } from 'commander';
import type { LatchkeyClient } from '../client/index.ts';
import { asAdmin, credentialOf } from './admin-session.ts';
import type { GlobalOptions } from './connection.ts';
import type { NewPasswordOptions } from './new-password.ts';
import { type Output, write } from './output.ts';
import type { Terminal } from './terminal.ts';

/** Asks the service for something and says what to show. */
type Work<Asked> = (client: LatchkeyClient, signal: AbortSignal, asked: Asked) => Promise<Output | undefined>;

/**
 * Runs a command's work as an admin and shows what it answers.
 *
 * @param command the one that was called; its options and those of the program are read from it.
 */
export function run(command: Command, terminal: Terminal, work: Work<undefined>): Promise<void> {
  return runAsking(command, terminal, async () => undefined, work);
}

/** As `run`, for work that needs something from the person first: asked for after the admin's own password. */
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

/** What the service must have sent; that it did not is a fault of the service. */
export function sent<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The service answered without what was asked for.');
  return value;
}
