import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import type { Config } from '../config.ts';
import { Failure } from '../core/failure.ts';
import { masterKeyIdOf } from '../core/keys/key-sealing.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { SessionEndings } from '../core/session/session-endings.ts';
import { type AdminReset, resetAdmin } from '../core/user/admin-reset.ts';
import { ADMIN_ROLE } from '../core/user/user.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { Clock } from '../validator/clock.ts';
import { CLOCK_LEEWAY_MS } from '../validator/validator.ts';
import { Closers } from './closers.ts';
import { DATABASE_FILE, MASTER_KEY_FILE, openMasterKeys, takeDataFolder } from './data-folder.ts';
import { openPasswords } from './passwords.ts';
import { securityEvents } from './security-events.ts';
import { type Site, TOMBSTONE_TTL_MS } from './site.ts';
import { naming, StartFault } from './start-fault.ts';
import { openDatabase, openSessionStores } from './stores.ts';

const SAME_SETTINGS = 'Run this in the folder, and with the variables, that the service is started with.';
const STOP_FIRST = 'Stop it, run this again, and start it.';
const USERS_A_PAGE = 500;

/** What a command has to say, and how it ends. */
export interface CommandOutcome {
  /** For standard output. Empty: nothing. */
  readonly told: string;
  /** What went wrong, for standard error. Undefined: nothing. */
  readonly problem: string | undefined;
}

/**
 * The way back in for an operator who lost the admin password: works on the stores of the service, by the same
 * configuration, without signing in. Makes nothing that is not there. Beside a service that keeps sessions in memory it is
 * refused, since only that service could end them. Throws what a start would throw, before anything is changed.
 */
export async function resetAdminPassword(
  username: string,
  config: Config,
  clock: Clock,
): Promise<CommandOutcome> {
  const closers = new Closers();
  let lastFault: unknown;
  const ignore = () => undefined;
  // There is no log. What Redis said when it could not be reached is told with the step that fails of it.
  const logger: Logger = {
    ...{ debug: ignore, info: ignore, error: ignore, fatal: ignore },
    warn: ({ err }) => {
      lastFault = err ?? lastFault;
    },
  };
  try {
    const site = { config, clock, logger, metrics: new Metrics(), closers, worker: undefined };
    return await reset(username, site, () => lastFault);
  } finally {
    // What cannot be closed ends with the process; the password that was set is told all the same.
    await closers.close().catch(() => undefined);
  }
}

async function reset(username: string, site: Site, lastFault: () => unknown): Promise<CommandOutcome> {
  const { config, clock } = site;
  requireFiles(config);
  // Locked until the command ends, so that no service starts meanwhile. Without the folder none was ever started here.
  if (existsSync(resolve(config.dataDir))) await takeDataFolder(site, STOP_FIRST);
  const database = await openDatabase(site);
  const masterKeys = await openMasterKeys(site);
  await checkMasterKeys(database, masterKeys);
  const { store, log } = await openSessionStores(site);
  await naming(
    'LATCHKEY_REDIS_URL',
    () => store.ping().catch((error: unknown) => Promise.reject(lastFault() ?? error)),
    (reason) => `Redis cannot be used: ${reason}. Sessions are ended there, so nothing was changed.`,
  );
  const { passwords } = await openPasswords(site, masterKeys);
  const events = securityEvents(site.logger, site.metrics);
  const sessions = new SessionEndings({
    ...{ store, log, clock, events, tombstoneTtlMs: TOMBSTONE_TTL_MS },
    accessTokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    coveredSince: () => 0,
  });
  try {
    const options = { directory: database.users, passwords, sessions, clock, events };
    return describe(await resetAdmin(options, username), config);
  } catch (error) {
    return { told: '', problem: await explain(error, username, database) };
  }
}

/** In a folder of its own the command would make an empty database and a new key. */
function requireFiles({ databaseUrl, masterKeys, dataDir }: Config): void {
  const needed = [
    ...(databaseUrl === undefined ? [DATABASE_FILE] : []),
    ...(masterKeys === undefined ? [MASTER_KEY_FILE] : []),
  ];
  for (const name of needed) {
    const file = resolve(dataDir, name);
    if (!existsSync(file))
      throw new StartFault('LATCHKEY_DATA_DIR', `${file} does not exist. ${SAME_SETTINGS}`, undefined);
  }
}

/** A password that is hashed under a master key which the service does not have could never be checked. */
async function checkMasterKeys(database: SqlDatabase, masterKeys: MasterKeys): Promise<void> {
  const [newest] = await database.keys.list();
  const needed = newest && masterKeyIdOf(newest.sealedPrivateJwk);
  if (needed === undefined || masterKeys.byId(needed) !== undefined) return;
  const problem = `The newest signing key is sealed under the master key ${needed}, which is not in the list.`;
  throw new StartFault('LATCHKEY_MASTER_KEY', `${problem} ${SAME_SETTINGS}`, undefined);
}

function describe({ user, password, unended }: AdminReset, config: Config): CommandOutcome {
  const { username } = user;
  const told = [
    `${username} has a new password: ${password}`,
    `It is shown this once. To choose one: npx latchkey users set-password ${username}`,
    `${username} is enabled and has the role ${ADMIN_ROLE}.${unended === undefined ? ` ${whatEnded(username, config)}` : ''}`,
  ].join('\n');
  const problem =
    unended === undefined
      ? undefined
      : `${messageOf(unended)} Sessions of ${username} may go on until the command has succeeded: run it again.`;
  return { told, problem };
}

/** Where sessions are in memory, this process has none of them; the lock shows only that nobody else has any here. */
function whatEnded(username: string, { redis, databaseUrl }: Config): string {
  if (redis.kind !== 'none') return `Every session of ${username} has ended.`;
  const where = 'in the memory of the service, since LATCHKEY_REDIS_URL is not set';
  return databaseUrl === undefined
    ? `Sessions were ${where}, and ended with it.`
    : `Sessions are ${where}: restart it, or those of ${username} go on.`;
}

async function explain(error: unknown, username: string, { users }: SqlDatabase): Promise<string> {
  if (!(error instanceof Failure)) throw error;
  if (error.reason === 'USER_CHANGED') {
    return `${username} was changed by somebody else at the same time, and nothing was set. Run this again.`;
  }
  if (error.reason !== 'USER_NOT_FOUND') return error.message;
  const admins: string[] = [];
  let after: string | undefined;
  do {
    const page = await users.list(USERS_A_PAGE, after);
    admins.push(...page.users.filter(({ roles }) => roles.includes(ADMIN_ROLE)).map((user) => user.username));
    after = page.next;
  } while (after !== undefined);
  const known = admins.length === 0 ? 'Nobody has' : 'Users with';
  return `There is no user ${username}. ${known} the role ${ADMIN_ROLE}${admins.length === 0 ? '' : `: ${admins.join(', ')}`}.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
