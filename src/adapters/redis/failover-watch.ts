import { Redis } from 'ioredis';
import { type RedisAddress, reconnectDelay } from './connection.ts';

/** The channel on which a sentinel announces a new master. */
const SWITCHED = '+switch-master';

export interface FailoverWatchOptions {
  /** How long connecting to a sentinel may take before it is tried again; milliseconds. */
  readonly deadlineMs: number;
  /** The master was replaced: close connections to the old one at once. May be called more than once. */
  readonly onFailover: () => void;
}

/**
 * Follows what all sentinels announce of a master. An idle connection to a frozen master does not break: without the
 * watch it would use the old master for seconds after that one resumes.
 *
 * Returns a function that ends the watch. Does nothing for an address without sentinels.
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
      ...{ host, port, connectionName: 'latchkey:failover', connectTimeout: deadlineMs },
      ...{ retryStrategy: reconnectDelay, autoResubscribe: false, maxRetriesPerRequest: 0 },
      ...(address.tls ? { tls: {} } : {}),
    });
    // Not logged: the connections to Redis report what is wrong.
    client.on('error', () => undefined);
    client.on('ready', () => {
      // The announcement may have been missed while this sentinel was not connected.
      const asking = client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master);
      asking.then(
        (master) => {
          // A sentinel that does not know the name answers null.
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
      // Called for each sentinel's announcement: one that learns of it late may have named the old master again.
      onFailover();
    });
    return client;
  });
  return () => {
    for (const client of clients) client.disconnect();
  };
}
