import { Redis } from 'ioredis';
import { type RedisAddress, reconnectDelay } from './connection.ts';

/** The channel on which a sentinel announces a new master. */
const SWITCHED = '+switch-master';

export interface FailoverWatchOptions {
  /** Timeout for connecting to a sentinel, before the next attempt; milliseconds. */
  readonly deadlineMs: number;
  /** Called when the master was replaced. Close connections to the old one. May be called more than once. */
  readonly onFailover: () => void;
}

/**
 * Subscribes to all sentinels' announcements of a new master. An idle connection to a frozen master does not break.
 * Without this watch, it would use the old master for seconds after that master resumes.
 *
 * Returns a function that stops the watch. Does nothing for an address without sentinels.
 */
export function watchFailover(address: RedisAddress, options: FailoverWatchOptions): () => void {
  if (address.kind !== 'sentinel') return () => undefined;
  const { deadlineMs, onFailover } = options;
  let known: string | undefined;
  const noteMaster = (master: string) => {
    const isReplaced = known !== undefined && known !== master;
    known = master;
    if (isReplaced) onFailover();
  };
  const clients = address.sentinels.map(({ host, port }) => {
    const client = new Redis({
      host,
      port,
      connectionName: 'latchkey:failover',
      connectTimeout: deadlineMs,
      retryStrategy: reconnectDelay,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      ...(address.tls ? { tls: {} } : {}),
    });
    // Not logged: the Redis connections report their own errors.
    client.on('error', () => undefined);
    client.on('ready', () => {
      // An announcement may have been missed while disconnected from this sentinel.
      const asking = client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master);
      asking.then(
        (master) => {
          // Null: the sentinel does not know this name.
          if (master !== null) noteMaster(String(master));
        },
        () => undefined,
      );
      client.subscribe(SWITCHED).catch(() => client.disconnect(true));
    });
    client.on('message', (_channel: string, message: string) => {
      const [name, , , newHost, newPort] = message.split(' ');
      if (name !== address.master) return;
      known = `${newHost},${newPort}`;
      // Called for every announcement, because a sentinel that is behind may have named the old master again.
      onFailover();
    });
    return client;
  });
  return () => {
    for (const client of clients) client.disconnect();
  };
}
