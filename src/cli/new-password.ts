import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { Option } from 'commander';
import { askSecret, readSecret, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Where a new password comes from, as commander reads it; none of them: it is asked for. */
export interface NewPasswordOptions {
  readonly passwordStdin?: true;
  readonly generate?: true;
  /** Of `users create` only: not a password but its hash. */
  readonly passwordHashStdin?: true;
}

/** 120 bits of chance. */
const GENERATED_BYTES = 15;

export function addNewPasswordOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--password-stdin', 'read the new password from standard input').conflicts('generate'),
    )
    .option('--generate', 'make a password and print it, once');
}

/** Asked for twice where a person types it. */
export async function newPassword(options: NewPasswordOptions, terminal: Terminal): Promise<string> {
  if (options.generate === true) return randomBytes(GENERATED_BYTES).toString('base64url');
  if (options.passwordStdin === true) return readSecret(terminal, 'the new password');
  if (terminal.stdin.isTTY !== true) {
    throw new UsageError('Say where the new password comes from: --password-stdin or --generate.');
  }
  const first = await askSecret(terminal, 'New password: ');
  const second = await askSecret(terminal, 'New password again: ');
  if (first !== second) throw new UsageError('The two passwords are not the same.');
  return first;
}
