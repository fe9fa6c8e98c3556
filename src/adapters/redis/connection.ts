import { Cluster, Redis } from 'ioredis';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

interface RedisAccess {
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** The address of Redis. */
export type RedisAddress = RedisAccess &
  (
    | { readonly kind: 'single'; readonly node: RedisNode; readonly db: number }
    | {
        readonly kind: 'sentinel';
        readonly sentinels: readonly RedisNode[];
        readonly master: string;
        readonly db: number;
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
  );

export type RedisClient = Redis | Cluster;

export interface ConnectionOptions {
  /** The name that CLIENT LIST shows, for example `latchkey:commands`. */
  readonly name: string;
  /** Timeout for each command, in milliseconds. */
  readonly deadlineMs: number;
  /** Called with the cause when the connection is lost or cannot be opened. It reconnects by itself. */
  readonly onDown: (cause: Error) => void;
  /** Called when the connection is restored. */
  readonly onUp: () => void;
}

const RECONNECT_MS = { first: 50, max: 1_000 };
/** How long a closed connection may keep the process alive; milliseconds. */
const CLOSE_TIMEOUT_MS = 100;

/**
 * Opens a connection that never queues commands. Without a connection, commands fail immediately. If the server does
 * not answer, they fail at their deadline. Commands are never resent. The client reconnects indefinitely.
 *
 * Resolves when connected, or at the deadline without a connection.
 */
export async function openRedis(address: RedisAddress, options: ConnectionOptions): Promise<RedisClient> {
  const client = create(address, options);
  reportChanges(client, options);
  await connected(client, options.deadlineMs);
  return client;
}

/**
 * Closes the connection and reconnects, resolving the address again. Includes a connection that is not ready yet,
 * which a frozen server could complete after it resumes. During a lookup, `disconnect` would end the client for good.
 */
export function reconnectRedis(client: RedisClient): void {
  if (client.status === 'ready' || client.status === 'connect') client.disconnect(true);
}

/** Closes the connection without waiting for replies. Can be called repeatedly. Everything is released after 100 ms. */
export function closeRedis(client: RedisClient): void {
  // A second disconnect would start a timer for a socket that is already closed.
  if (client.status !== 'end') client.disconnect();
}

function create(address: RedisAddress, options: ConnectionOptions): RedisClient {
  const { username, password, tls } = address;
  const common = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectionName: options.name,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: options.deadlineMs,
    connectTimeout: options.deadlineMs,
    // A socket that the server has not closed by then is destroyed.
    disconnectTimeout: CLOSE_TIMEOUT_MS,
    // The ready check reads all of INFO (5 kB), too much for a slow line within a deadline. Only Sentinel needs it,
    // to check the server's role. Without it, a server that loads its data answers each command with LOADING.
    enableReadyCheck: address.kind === 'sentinel',
    // How often that check asks a server that loads its data. By default the driver waits for as long as the server
    // estimates, up to 10 s, even after the connection is closed.
    maxLoadingRetryTime: CLOSE_TIMEOUT_MS,
    // Closes a connection that receives no data for this long while a command waits for its reply. Twice the
    // deadline, because sending a script's source over a slow line may take one deadline.
    socketTimeout: 2 * options.deadlineMs,
    retryStrategy: reconnectDelay,
    // After a failover, the old primary answers READONLY until the client reconnects.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
  switch (address.kind) {
    case 'single':
      return new Redis({ ...common, ...address.node, db: address.db });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: [...address.sentinels],
        name: address.master,
        db: address.db,
        sentinelRetryStrategy: reconnectDelay,
        sentinelCommandTimeout: options.deadlineMs,
        // Without these, the driver uses plaintext to the sentinels and to the master they name.
        ...(tls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
      });
    case 'cluster':
      return new Cluster([...address.nodes], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelay,
        retryDelayOnFailover: 50,
        maxRedirections: 4,
        slotsRefreshTimeout: options.deadlineMs,
        redisOptions: common,
      });
  }
}

/** An unreachable server fails every reconnection attempt. Only the first failure is reported. */
function reportChanges(client: RedisClient, { onDown, onUp }: ConnectionOptions): void {
  let isDown = false;
  client.on('error', (cause: Error) => {
    // The driver would continue with database 0, which may belong to another application.
    if (client instanceof Redis && cause.message.startsWith('ERR DB index')) client.disconnect(true);
    if (isDown) return;
    isDown = true;
    onDown(cause);
  });
  client.on('ready', () => {
    if (!isDown) return;
    isDown = false;
    onUp();
  });
}

/** Delay before the next connection attempt; milliseconds. */
export function reconnectDelay(times: number): number {
  return Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.max);
}

async function connected(client: RedisClient, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  const ready = client.connect().catch(() => late);
  await Promise.race([ready, late]);
  clearTimeout(timer);
}
