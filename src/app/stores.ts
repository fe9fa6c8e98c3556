import { join, resolve } from 'node:path';
import { MemoryExternalFlowStore } from '../adapters/memory/memory-external-flow-store.ts';
import { MemoryLoginAttempts } from '../adapters/memory/memory-login-attempts.ts';
import { MemoryRevocationLog } from '../adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../adapters/memory/memory-session-store.ts';
import { MemoryTicketStore } from '../adapters/memory/memory-ticket-store.ts';
import { closeRedis, openRedis, type RedisClient, reconnectRedis } from '../adapters/redis/connection.ts';
import { nodesThatDropWrites } from '../adapters/redis/default-user.ts';
import { watchFailover } from '../adapters/redis/failover-watch.ts';
import { RedisAuditOutbox } from '../adapters/redis/redis-audit-outbox.ts';
import { RedisExternalFlowStore } from '../adapters/redis/redis-external-flow-store.ts';
import { RedisLoginAttempts } from '../adapters/redis/redis-login-attempts.ts';
import { RedisRevocationLog } from '../adapters/redis/redis-revocation-log.ts';
import { RedisSessionStore } from '../adapters/redis/redis-session-store.ts';
import { CHANGES_WAIT_MS } from '../adapters/redis/redis-ticket-changes.ts';
import { RedisTicketStore } from '../adapters/redis/redis-ticket-store.ts';
import { openPostgres } from '../adapters/sql/postgres.ts';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import { openSqlite } from '../adapters/sql/sqlite.ts';
import type { Config } from '../config.ts';
import type { AuditOutbox } from '../core/audit/audit-outbox.ts';
import type { AuditTrail } from '../core/audit/audit-trail.ts';
import { DirectOutbox } from '../core/audit/direct-outbox.ts';
import type { RevocationLog } from '../core/revocation/revocation-log.ts';
import type { SessionStore } from '../core/session/session-store.ts';
import type { ExternalFlowStore } from '../core/sign-in/external-flow-store.ts';
import { type LoginAttempts, UNLIMITED_ATTEMPTS } from '../core/sign-in/login-attempts.ts';
import { loginLimits } from '../core/sign-in/login-limits.ts';
import type { TicketStore } from '../core/sign-in/ticket-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { AFTER_LAST_TOKEN_MS, type AppContext, followerWaitMs } from './app-context.ts';
import { damageReports } from './damage-reports.ts';
import { DATABASE_FILE, FOLDER_REMEDY } from './data-folder.ts';
import { startupStep } from './startup-error.ts';

/** Deadline of session and log operations; milliseconds. It lets callers with a one-second deadline get a response. */
const REDIS_DEADLINE_MS = 500;
const REPLICA_WAIT_MS = 300;

/** Opens the database of users, signing keys and audit events, and runs its migrations. */
export async function openDatabase({ config, closers }: AppContext): Promise<SqlDatabase> {
  const { databaseUrl, dataDir } = config;
  return databaseStep(config, async () => {
    const database =
      databaseUrl === undefined
        ? openSqlite({ file: join(dataDir, DATABASE_FILE) })
        : openPostgres({ url: databaseUrl });
    closers.add(() => database.close());
    await database.migrate();
    return database;
  });
}

/** Runs a step of the start that uses the database. An error names the variable of the database. */
export function databaseStep<Result>(
  { databaseUrl, dataDir }: Config,
  step: () => Promise<Result>,
): Promise<Result> {
  if (databaseUrl === undefined) {
    const file = resolve(dataDir, DATABASE_FILE);
    return startupStep(
      'LATCHKEY_DATA_DIR',
      step,
      (reason) => `${file} cannot be used: ${reason}. ${FOLDER_REMEDY}`,
    );
  }
  return startupStep('LATCHKEY_DATABASE_URL', step, (reason) => {
    return `PostgreSQL cannot be used: ${reason}. Check that it is running, and check user, password and database.`;
  });
}

/**
 * Opens the session store, the revocation log, the login attempts, the QR tickets, the flows to identity providers and
 * the audit outbox: all in Redis, or all but the outbox in memory. Then audit events go to the trail at once, because they must outlive the process.
 */
export async function openSessionStores(
  { config, clock, logger, closers }: AppContext,
  trail: AuditTrail,
): Promise<{
  readonly store: SessionStore;
  readonly log: RevocationLog;
  readonly attempts: LoginAttempts;
  readonly tickets: TicketStore;
  readonly flows: ExternalFlowStore;
  readonly outbox: AuditOutbox;
}> {
  const { redis } = config;
  const limits = config.loginLimits && loginLimits(config.loginLimits.failuresPerAddress);
  const retentionMs = config.accessTokenTtlMs + AFTER_LAST_TOKEN_MS;
  if (redis.kind === 'none') {
    return {
      store: new MemorySessionStore(clock),
      log: new MemoryRevocationLog(retentionMs),
      attempts: limits === undefined ? UNLIMITED_ATTEMPTS : new MemoryLoginAttempts(limits),
      tickets: new MemoryTicketStore(),
      flows: new MemoryExternalFlowStore(),
      outbox: new DirectOutbox(trail),
    };
  }
  const connect = async (name: string, deadlineMs: number) => {
    const client = await openRedis(redis, {
      name: `latchkey:${name}`,
      deadlineMs,
      onDown: (cause) => logger.warn({ connection: name, err: cause }, 'no connection to Redis; retrying'),
      onUp: () => logger.info({ connection: name }, 'reconnected to Redis'),
    });
    closers.add(() => closeRedis(client));
    return client;
  };
  const commands = await connect('commands', REDIS_DEADLINE_MS);
  warnOfDefaultUser(commands, logger);
  const replicated = await connect('replicated', REDIS_DEADLINE_MS);
  const tail = await connect('tail', followerWaitMs(config) + REDIS_DEADLINE_MS);
  const changes = await connect('tickets', CHANGES_WAIT_MS + REDIS_DEADLINE_MS);
  const clients = [commands, replicated, tail, changes];
  const onFailover = () => {
    logger.warn({}, 'the Redis master was replaced; connecting to the new one');
    clients.forEach(reconnectRedis);
  };
  closers.add(watchFailover(redis, { deadlineMs: REDIS_DEADLINE_MS, onFailover }));
  const durability = { waitReplicas: config.redisWaitReplicas, waitMs: REPLICA_WAIT_MS };
  const tickets = new RedisTicketStore({ commands, changes, deadlineMs: REDIS_DEADLINE_MS, clock });
  closers.add(() => tickets.close());
  const onDamage = damageReports(logger);
  const common = { durability, deadlineMs: REDIS_DEADLINE_MS, clock, onDamage };
  return {
    store: new RedisSessionStore({ commands, replicated, ...common }),
    log: new RedisRevocationLog({ replicated, tail, retentionMs, ...common }),
    attempts:
      limits === undefined
        ? UNLIMITED_ATTEMPTS
        : new RedisLoginAttempts({ commands, deadlineMs: REDIS_DEADLINE_MS, clock, limits }),
    tickets,
    flows: new RedisExternalFlowStore({ commands, deadlineMs: REDIS_DEADLINE_MS, clock }),
    outbox: new RedisAuditOutbox({ commands, replicated, ...common }),
  };
}

/** Warns once if Redis would lose data at its next restart. Runs in the background after the first connection. */
function warnOfDefaultUser(client: RedisClient, logger: Logger): void {
  void nodesThatDropWrites(client).then((nodes) => {
    if (nodes.length === 0) return;
    logger.warn(
      { nodes: nodes.join(', ') },
      'Redis may lose sessions and revocations when it restarts: its user `default` may not replay the ' +
        'append-only file; grant it all rights and leave it off (user default off ~* &* +@all)',
    );
  });
}
