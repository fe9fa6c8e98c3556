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

/** Where Redis is. */
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
  /** Shown by CLIENT LIST, for example `latchkey:commands`. */
  readonly name: string;
  /** A command that has no answer by then fails; milliseconds. */
  readonly deadlineMs: number;
  /** Told when it is lost, or cannot be made, and why; it mends itself. */
  readonly onDown: (cause: Error) => void;
  /** Told when it is there again. */
  readonly onUp: () => void;
}

const RECONNECT_MS = { first: 50, most: 1_000 };
/** How long what is left of a closed connection may keep a process alive; milliseconds. */
const LINGER_MS = 100;

/**
 * Opens a connection that never makes anybody wait: commands fail at once while there is none, by their deadline
 * where the server is silent, and none is sent a second time behind the caller's back. It reconnects for ever.
 * Resolves when it is connected, or after the deadline when it is not yet.
 */
export async function openRedis(address: RedisAddress, options: ConnectionOptions): Promise<RedisClient> {
  const client = create(address, options);
  reportChanges(client, options);
  await connected(client, options.deadlineMs);
  return client;
}

/**
 * Drops the connection at once and connects again, resolving the address anew. This includes a connection that is open
 * and not ready: a frozen server may resume and complete it. During a look-up `disconnect` would end the client for good.
 */
export function reconnectRedis(client: RedisClient): void {
  if (client.status === 'ready' || client.status === 'connect') client.disconnect(true);
}

/** Ends it without waiting for answers, however often it is called; nothing of it is left after 100 ms. */
export function closeRedis(client: RedisClient): void {
  // Ended once more, the driver would time the end of a socket that has ended already.
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
    // What the server does not end by then is cut off.
    disconnectTimeout: LINGER_MS,
    // The check reads all of INFO, 5 kB: more than a slow line carries within a deadline. Only with Sentinel is it
    // needed, to check the server's role. Elsewhere a server that loads its data answers each command with LOADING.
    enableReadyCheck: address.kind === 'sentinel',
    // How often that check asks a server that loads its data. The driver would wait for as long as the server
    // guesses, up to 10 s, used or not, closed or not.
    maxLoadingRetryTime: LINGER_MS,
    // A connection is dropped after this long without data while a command waits for its reply. Twice the deadline,
    // because on a slow line sending a script's text may take one deadline.
    socketTimeout: 2 * options.deadlineMs,
    retryStrategy: reconnectDelay,
    // After a failover the old primary answers READONLY until it is left.
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
        // Without these the driver talks plainly to the sentinels, and to the master they name.
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

/** A server that is away fails every attempt to reconnect; only the first is told. */
function reportChanges(client: RedisClient, { onDown, onUp }: ConnectionOptions): void {
  let isDown = false;
  client.on('error', (cause: Error) => {
    // The driver would go on with database 0, which is somebody else's.
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

/** How long to wait before the next attempt to connect; milliseconds. */
export function reconnectDelay(times: number): number {
  return Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.most);
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
