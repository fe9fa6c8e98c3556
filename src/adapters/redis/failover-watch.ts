import { Redis } from 'ioredis';
import { type RedisAddress, reconnectDelay } from './connection.ts';

/** Published by a sentinel when it takes another Redis for the master. */
const SWITCHED = '+switch-master';

export interface FailoverWatchOptions {
  /** A sentinel that is not reached by then is tried again later; milliseconds. */
  readonly deadlineMs: number;
  /** The master was replaced: connections to the old one must be left at once. May be called more than once. */
  readonly onFailover: () => void;
}

/**
 * Follows what all sentinels say of a master. A connection that is idle while the old master stands still is not
 * broken, and would go on using the old one for seconds after it woke.
 *
 * Answers what ends the watch. Where there are no sentinels it does nothing.
 */
export function watchFailover(address: RedisAddress, options: FailoverWatchOptions): () => void {
  if (address.kind !== 'sentinel') return () => undefined;
  const { deadlineMs, onFailover } = options;
  let known: string | undefined;
  const learn = (master: string) => {
    const isOther = known !== undefined && known !== master;
    known = master;
    if (isOther) onFailover();
  };
  const clients = address.sentinels.map(({ host, port }) => {
    const client = new Redis({
      ...{ host, port, connectionName: 'latchkey:failover', connectTimeout: deadlineMs },
      ...{ retryStrategy: reconnectDelay, autoResubscribe: false, maxRetriesPerRequest: 0 },
      ...(address.tls ? { tls: {} } : {}),
    });
    // The connections to Redis report what is wrong; this one only tries again.
    client.on('error', () => undefined);
    client.on('ready', () => {
      // What was published while this sentinel was away is asked for.
      const asking = client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master);
      asking.then(
        (master) => learn(String(master)),
        () => undefined,
      );
      client.subscribe(SWITCHED).catch(() => client.disconnect(true));
    });
    client.on('message', (_channel: string, message: string) => {
      const [name, , , newHost, newPort] = message.split(' ');
      if (name !== address.master) return;
      known = `${newHost},${newPort}`;
      // Each sentinel tells it when it knows; a connection may have been led back by one that did not.
      onFailover();
    });
    return client;
  });
  return () => {
    for (const client of clients) client.disconnect();
  };
}
