import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import type { Config } from '../config.ts';
import { type AdminReset, resetAdmin } from '../core/administration/admin-reset.ts';
import { Failure } from '../core/failure.ts';
import { masterKeyIdOf } from '../core/keys/key-sealing.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { SessionEnder } from '../core/session/session-ender.ts';
import { ADMIN_ROLE } from '../core/user/user.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { Clock } from '../validator/clock.ts';
import { CLOCK_LEEWAY_MS } from '../validator/validator.ts';
import { type AppContext, ids, TOMBSTONE_TTL_MS } from './app-context.ts';
import { Closers } from './closers.ts';
import { DATABASE_FILE, MASTER_KEY_FILE, openMasterKeys, takeDataFolder } from './data-folder.ts';
import { openPasswords } from './passwords.ts';
import { securityEvents } from './security-events.ts';
import { messageOf, StartupError, startupStep } from './startup-error.ts';
import { openDatabase, openSessionStores } from './stores.ts';

const SAME_SETTINGS = 'Run this command in the folder and with the variables of the service.';
const STOP_FIRST = 'Stop the service, run this command again, and start the service.';
const PAGE_SIZE = 500;

/** The output of a command and its result. */
export interface CommandOutcome {
  /** Text for standard output. May be empty. */
  readonly output: string;
  /** Error message for standard error. Undefined if the command succeeded. */
  readonly problem: string | undefined;
}

/**
 * Sets a new password for an operator who lost the admin password. Needs no sign-in: it uses the stores of the service
 * with the same configuration, and creates no database or key. Refuses to run while a service keeps sessions in memory,
 * because only that service can end them. Throws the errors of a start before it changes anything.
 */
export async function resetAdminPassword(
  username: string,
  config: Config,
  clock: Clock,
): Promise<CommandOutcome> {
  const closers = new Closers();
  let lastFault: unknown;
  const ignore = () => undefined;
  // There is no log. The last connection error of Redis is reported with the step that it makes fail.
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    fatal: ignore,
    warn: ({ err }) => {
      lastFault = err ?? lastFault;
    },
  };
  try {
    const context = { config, clock, logger, metrics: new Metrics(), closers, worker: undefined };
    return await reset(username, context, () => lastFault);
  } finally {
    // Ignored: the process ends anyway, and the new password must be shown.
    await closers.close().catch(() => undefined);
  }
}

async function reset(
  username: string,
  context: AppContext,
  lastFault: () => unknown,
): Promise<CommandOutcome> {
  const { config, clock } = context;
  requireFiles(config);
  // Locked until the command ends, so that no service starts meanwhile. Without the folder none has used it.
  if (existsSync(resolve(config.dataDir))) await takeDataFolder(context, STOP_FIRST);
  const database = await openDatabase(context);
  const masterKeys = await openMasterKeys(context);
  await checkMasterKeys(database, masterKeys);
  const { store, log, outbox } = await openSessionStores(context, database.audit);
  await startupStep(
    'LATCHKEY_REDIS_URL',
    () => store.ping().catch((error: unknown) => Promise.reject(lastFault() ?? error)),
    (reason) => `Redis cannot be used: ${reason}. Sessions are ended in Redis, so nothing was changed.`,
  );
  const { passwords } = await openPasswords(context, masterKeys);
  const events = securityEvents(context.logger, context.metrics, outbox);
  const sessions = new SessionEnder({
    store,
    log,
    clock,
    events,
    tombstoneTtlMs: TOMBSTONE_TTL_MS,
    accessTokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    coveredSince: () => 0,
  });
  try {
    const options = { directory: database.users, passwords, sessions, clock, ids, events };
    return describe(await resetAdmin(options, username), config);
  } catch (error) {
    return { output: '', problem: await explain(error, username, database) };
  }
}

/** In a wrong folder the command would create an empty database and a new master key. */
function requireFiles({ databaseUrl, masterKeys, dataDir }: Config): void {
  const needed = [
    ...(databaseUrl === undefined ? [DATABASE_FILE] : []),
    ...(masterKeys === undefined ? [MASTER_KEY_FILE] : []),
  ];
  for (const name of needed) {
    const file = resolve(dataDir, name);
    if (!existsSync(file))
      throw new StartupError('LATCHKEY_DATA_DIR', `${file} does not exist. ${SAME_SETTINGS}`, undefined);
  }
}

/** The service could not check a password that was hashed with a master key it does not have. */
async function checkMasterKeys(database: SqlDatabase, masterKeys: MasterKeys): Promise<void> {
  const [newest] = await database.keys.list();
  const needed = newest && masterKeyIdOf(newest.sealedPrivateJwk);
  if (needed === undefined || masterKeys.byId(needed) !== undefined) return;
  const problem = `The newest signing key is sealed with master key ${needed}, which is not in the list.`;
  throw new StartupError('LATCHKEY_MASTER_KEY', `${problem} ${SAME_SETTINGS}`, undefined);
}

function describe({ user, password, unended }: AdminReset, config: Config): CommandOutcome {
  const { username } = user;
  const output = [
    `${username} has a new password: ${password}`,
    `The password is shown only once. To choose one: npx latchkey users set-password ${username}`,
    `${username} is enabled and has the role ${ADMIN_ROLE}.${unended === undefined ? ` ${endedSessionsText(username, config)}` : ''}`,
  ].join('\n');
  const problem =
    unended === undefined
      ? undefined
      : `${messageOf(unended)} Sessions of ${username} may continue until this command succeeds. Run it again.`;
  return { output, problem };
}

/** In-memory sessions are not in this process. The lock only shows that no service uses this data folder. */
function endedSessionsText(username: string, { redis, databaseUrl }: Config): string {
  if (redis.kind !== 'none') return `All sessions of ${username} have ended.`;
  const where = 'in the memory of the service, because LATCHKEY_REDIS_URL is not set';
  return databaseUrl === undefined
    ? `Sessions were ${where}. They ended when it stopped.`
    : `Sessions are ${where}. Restart it to end the sessions of ${username}.`;
}

async function explain(error: unknown, username: string, { users }: SqlDatabase): Promise<string> {
  if (!(error instanceof Failure)) throw error;
  if (error.reason === 'USER_CHANGED') {
    return `${username} was changed by another caller at the same time. No password was set. Run this command again.`;
  }
  if (error.reason !== 'USER_NOT_FOUND') return error.message;
  const admins: string[] = [];
  let after: string | undefined;
  do {
    const page = await users.list(PAGE_SIZE, after);
    admins.push(...page.users.filter(({ roles }) => roles.includes(ADMIN_ROLE)).map((user) => user.username));
    after = page.next;
  } while (after !== undefined);
  const known = admins.length === 0 ? 'No user has' : 'Users with';
  return `There is no user ${username}. ${known} the role ${ADMIN_ROLE}${admins.length === 0 ? '' : `: ${admins.join(', ')}`}.`;
}
