import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { Option } from 'commander';
import { askSecret, readSecret, type Terminal, UsageError } from './terminal.ts';

/** The source of a new password, as commander parses it. With none set, the command prompts. */
export interface NewPasswordOptions {
  readonly passwordStdin?: true;
  readonly generate?: true;
  /** Only `users create`: standard input holds a bcrypt hash instead of a password. */
  readonly passwordHashStdin?: true;
}

/** 120 random bits. */
const GENERATED_BYTES = 15;

export function addNewPasswordOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--password-stdin', 'read the new password from standard input').conflicts('generate'),
    )
    .option('--generate', 'generate a password and print it once');
}

/** Prompts twice for a typed password. */
export async function newPassword(options: NewPasswordOptions, terminal: Terminal): Promise<string> {
  if (options.generate === true) return randomBytes(GENERATED_BYTES).toString('base64url');
  if (options.passwordStdin === true) return readSecret(terminal, 'the new password');
  if (terminal.stdin.isTTY !== true) {
    throw new UsageError('No source for the new password: use --password-stdin or --generate.');
  }
  const first = await askSecret(terminal, 'New password: ');
  const second = await askSecret(terminal, 'New password again: ');
  if (first !== second) throw new UsageError('The two passwords do not match.');
  return first;
}
