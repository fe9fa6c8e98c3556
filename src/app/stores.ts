import { join, resolve } from 'node:path';
import { MemoryRevocationLog } from '../adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../adapters/memory/memory-session-store.ts';
import { closeRedis, openRedis, type RedisClient, reconnectRedis } from '../adapters/redis/connection.ts';
import { nodesThatDropWrites } from '../adapters/redis/default-user.ts';
import { watchFailover } from '../adapters/redis/failover-watch.ts';
import { RedisRevocationLog } from '../adapters/redis/redis-revocation-log.ts';
import { RedisSessionStore } from '../adapters/redis/redis-session-store.ts';
import { openPostgres } from '../adapters/sql/postgres.ts';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import { openSqlite } from '../adapters/sql/sqlite.ts';
import type { Config } from '../config.ts';
import type { RevocationLog } from '../core/revocation/revocation-log.ts';
import type { SessionStore } from '../core/session/session-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { damageReports } from './damage-reports.ts';
import { DATABASE_FILE, FOLDER_REMEDY } from './data-folder.ts';
import { AFTER_LAST_TOKEN_MS, feedWaitMs, type Site } from './site.ts';
import { naming } from './start-fault.ts';

/** No session or log operation takes longer, so that whoever waits a second is answered. */
const REDIS_DEADLINE_MS = 500;
const REPLICA_WAIT_MS = 300;

/** Users and signing keys, with their tables up to date. */
export async function openDatabase({ config, closers }: Site): Promise<SqlDatabase> {
  const { databaseUrl, dataDir } = config;
  return namingDatabase(config, async () => {
    const database =
      databaseUrl === undefined
        ? openSqlite({ file: join(dataDir, DATABASE_FILE) })
        : openPostgres({ url: databaseUrl });
    closers.add(() => database.close());
    await database.migrate();
    return database;
  });
}

/** Takes a step of the start that fails if the database does; says which variable names the database. */
export function namingDatabase<Result>(
  { databaseUrl, dataDir }: Config,
  step: () => Promise<Result>,
): Promise<Result> {
  if (databaseUrl === undefined) {
    const file = resolve(dataDir, DATABASE_FILE);
    return naming(
      'LATCHKEY_DATA_DIR',
      step,
      (reason) => `${file} cannot be used: ${reason}. ${FOLDER_REMEDY}`,
    );
  }
  return naming('LATCHKEY_DATABASE_URL', step, (reason) => {
    return `PostgreSQL cannot be used: ${reason}. Check that it runs there, and its user, password and database.`;
  });
}

/** Sessions and the log of what has ended: both in Redis, or both in this process. */
export async function openSessionStores({ config, clock, logger, closers }: Site): Promise<{
  readonly store: SessionStore;
  readonly log: RevocationLog;
}> {
  const { redis } = config;
  const retentionMs = config.accessTokenTtlMs + AFTER_LAST_TOKEN_MS;
  if (redis.kind === 'none') {
    return { store: new MemorySessionStore(clock), log: new MemoryRevocationLog(retentionMs) };
  }
  const connect = async (name: string, deadlineMs: number) => {
    const client = await openRedis(redis, {
      name: `latchkey:${name}`,
      deadlineMs,
      onDown: (cause) => logger.warn({ connection: name, err: cause }, 'no connection to Redis'),
      onUp: () => logger.info({ connection: name }, 'connected to Redis again'),
    });
    closers.add(() => closeRedis(client));
    return client;
  };
  const commands = await connect('commands', REDIS_DEADLINE_MS);
  warnOfDefaultUser(commands, logger);
  const endings = await connect('endings', REDIS_DEADLINE_MS);
  const tail = await connect('tail', feedWaitMs(config) + REDIS_DEADLINE_MS);
  const clients = [commands, endings, tail];
  const onFailover = () => {
    logger.warn({}, 'the Redis master was replaced; connecting to the new one');
    clients.forEach(reconnectRedis);
  };
  closers.add(watchFailover(redis, { deadlineMs: REDIS_DEADLINE_MS, onFailover }));
  const durability = { waitReplicas: config.redisWaitReplicas, waitMs: REPLICA_WAIT_MS };
  const onDamage = damageReports(logger);
  const common = { durability, deadlineMs: REDIS_DEADLINE_MS, clock, onDamage };
  return {
    store: new RedisSessionStore({ commands, endings, ...common }),
    log: new RedisRevocationLog({ endings, tail, retentionMs, ...common }),
  };
}

/** Warns once if Redis would lose data at its next restart. Runs in the background, when Redis is first connected. */
function warnOfDefaultUser(client: RedisClient, logger: Logger): void {
  void nodesThatDropWrites(client).then((nodes) => {
    if (nodes.length === 0) return;
    logger.warn(
      { nodes: nodes.join(', ') },
      'Redis may lose sessions and undo endings when it restarts: its user default has no right to replay the ' +
        'append-only file; give it all rights and keep it off (user default off ~* &* +@all)',
    );
  });
}
