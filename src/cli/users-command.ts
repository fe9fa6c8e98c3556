import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { User } from '../client/index.ts';
import { run, runAsking, sent } from './action.ts';
import type { GlobalOptions } from './connection.ts';
import { addDevicePolicyOptions, type DevicePolicyOptions, devicePolicyOf } from './device-policy.ts';
import { addNewPasswordOptions, type NewPasswordOptions, newPassword } from './new-password.ts';
import { type Output, userOutput } from './output.ts';
import type { Terminal } from './terminal.ts';
import { askLine, readSecret, UsageError } from './terminal.ts';
import { everyUser, findUser, USER, type UserChange, updateUser } from './users.ts';

interface CreateOptions extends NewPasswordOptions {
  readonly role: readonly string[];
  readonly passwordHash?: string;
}

export function addUsersCommand(program: Command, terminal: Terminal): void {
  const users = program.command('users').description('manage users');
  addCreate(users, terminal);
  addReads(users, terminal);
  addUpdate(users, terminal);
  addSetPassword(users, terminal);
  addUserCalls(users, terminal);
  addDelete(users, terminal);
}

function addCreate(users: Command, terminal: Terminal): void {
  const create = users
    .command('create')
    .description('create a user; prompts for the password unless an option provides it')
    .argument('<username>')
    .addOption(several('--role <role>', 'role of the user'));
  addNewPasswordOptions(create)
    .addOption(
      new Option(
        '--password-hash <bcrypt>',
        'bcrypt hash from another system, instead of a password; visible to other users of this machine',
      ).conflicts(['generate', 'passwordStdin', 'passwordHashStdin']),
    )
    .addOption(
      new Option('--password-hash-stdin', 'read the hash from standard input').conflicts([
        'generate',
        'passwordStdin',
      ]),
    )
    .action((username: string, options: CreateOptions, command: Command) =>
      runAsking(
        command,
        terminal,
        () => newCredential(options, terminal),
        async (client, signal, credential) => {
          const request = { username, roles: options.role, credential };
          const { user } = await client.users.createUser(request, { signal });
          return withPassword(sent(user), options.generate === true ? credential.value : undefined);
        },
      ),
    );
}

/** The new user's password, or its hash. */
async function newCredential(options: CreateOptions, terminal: Terminal) {
  const hash = options.passwordHashStdin ? await readSecret(terminal, 'the hash') : options.passwordHash;
  return hash === undefined
    ? ({ $case: 'password', value: await newPassword(options, terminal) } as const)
    : ({ $case: 'passwordHash', value: hash } as const);
}

function addReads(users: Command, terminal: Terminal): void {
  users
    .command('get')
    .description('show a user')
    .argument('<user>', USER)
    .action((name: string, _options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) =>
        userOutput([await findUser(client, name, signal)], true),
      ),
    );
  users
    .command('list')
    .description('show all users, oldest first')
    .action((_options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => userOutput(await everyUser(client, signal))),
    );
}

function addUpdate(users: Command, terminal: Terminal): void {
  const update = users
    .command('update')
    .description("change a user's name, roles or device policy")
    .argument('<user>', USER)
    .option('--rename <username>', 'the new username')
    .addOption(several('--add-role <role>', 'add a role'))
    .addOption(several('--remove-role <role>', 'remove a role'))
    .addOption(new Option('--role <role>').hideHelp().argParser(addOrRemove));
  addDevicePolicyOptions(update).action(
    async (name: string, options: UserChange & DevicePolicyOptions, command: Command) => {
      const change = { ...options, policy: devicePolicyOf(options) };
      const { rename, addRole, removeRole, policy } = change;
      if (rename === undefined && addRole.length + removeRole.length === 0 && policy === undefined) {
        throw nothingToChange(name, command);
      }
      await run(command, terminal, async (client, signal) => {
        const user = await findUser(client, name, signal);
        return userOutput([await updateUser(client, user, change, signal)], true);
      });
    },
  );
}

/** --username is a global option in any position: it names the user who signs in, not the user to update. */
function nothingToChange(user: string, command: Command): UsageError {
  const { username } = command.optsWithGlobals<GlobalOptions>();
  return new UsageError(
    command.getOptionValueSourceWithGlobals('username') === 'cli'
      ? `Nothing to change: --username sets who signs in. To rename the user: users update ${user} --rename ${username}`
      : 'Nothing to change: pass --rename, --add-role, --remove-role or --device-policy.',
  );
}

/** `--role` is an option of `create`. In `update` it would be ambiguous: add a role, or replace them all. */
function addOrRemove(): never {
  throw new InvalidArgumentError('Use --add-role or --remove-role.');
}

function addSetPassword(users: Command, terminal: Terminal): void {
  const setPassword = users
    .command('set-password')
    .description('set a new password and end all sessions of the user')
    .argument('<user>', USER);
  addNewPasswordOptions(setPassword).action((name: string, options: NewPasswordOptions, command: Command) =>
    runAsking(
      command,
      terminal,
      () => newPassword(options, terminal),
      async (client, signal, password) => {
        const { userId } = await findUser(client, name, signal);
        const { user } = await client.users.setPassword({ userId, password }, { signal });
        return withPassword(sent(user), options.generate === true ? password : undefined);
      },
    ),
  );
}

/** Commands that make one call for a user, and show the user. */
const USER_CALLS = [
  {
    name: 'disable',
    description: 'prevent a user from signing in and end all their sessions',
    method: 'disableUser',
  },
  { name: 'enable', description: 'allow a disabled user to sign in again', method: 'enableUser' },
  {
    name: 'lift-limits',
    description: 'forget the failed sign-ins of a user, so that they do not delay the next one',
    method: 'liftLoginLimits',
  },
] as const;

function addUserCalls(users: Command, terminal: Terminal): void {
  for (const { name, description, method } of USER_CALLS) {
    users
      .command(name)
      .description(description)
      .argument('<user>', USER)
      .action((key: string, _options: unknown, command: Command) =>
        run(command, terminal, async (client, signal) => {
          const { userId } = await findUser(client, key, signal);
          const { user } = await client.users[method]({ userId }, { signal });
          return userOutput([sent(user)], true);
        }),
      );
  }
}

function addDelete(users: Command, terminal: Terminal): void {
  users
    .command('delete')
    .description('delete a user permanently and end all their sessions')
    .argument('<user>', USER)
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, options: { yes?: true }, command: Command) => {
      if (options.yes !== true) await confirm(terminal, name);
      await run(command, terminal, async (client, signal) => {
        const user = await findUser(client, name, signal);
        await client.users.deleteUser({ userId: user.userId }, { signal });
        return {
          json: { deleted: user.userId },
          columns: ['DELETED', 'USERNAME'],
          rows: [[user.userId, user.username]],
        };
      });
    });
}

async function confirm(terminal: Terminal, name: string): Promise<void> {
  if (terminal.stdin.isTTY !== true)
    throw new UsageError('Deletion cannot be undone: confirm it with --yes.');
  const answer = await askLine(terminal, `Deletion cannot be undone. Type ${name} to delete: `);
  if (answer.trim() !== name) throw new UsageError('Not deleted.');
}

/** @param password a generated password, which is shown only this once. */
function withPassword(user: User, password: string | undefined): Output {
  const output = userOutput([user], true);
  if (password === undefined) return output;
  return {
    json: { ...(output.json as object), password },
    columns: [...output.columns, 'PASSWORD'],
    rows: output.rows.map((row) => [...row, password]),
  };
}

/** An option that may be repeated. Default: an empty list. */
function several(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((value: string, previous: readonly string[]) => [...previous, value])
    .default([], 'none');
}
