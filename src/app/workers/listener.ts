import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIP, type ListenOptions, type Server, type Socket } from 'node:net';
import type { ListenAddress, TcpAddress } from '../../config/listen-address.ts';
import { removeStaleSocket, unixSocketPath } from '../../grpc/unix-socket.ts';

/** Where the supervisor accepts connections for its workers. */
export interface Listener {
  /** `host:port` or `unix:/path`, with the port that is really used. */
  readonly address: string;
  /** Stops accepting connections. */
  close(): void;
}

/** @param onConnection receives each connection paused, with nothing read from it. */
export async function openListener(
  address: ListenAddress,
  onConnection: (connection: Socket) => void,
): Promise<Listener> {
  const servers: Server[] = [];
  const listen = async (options: ListenOptions): Promise<Server> => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, onConnection);
    server.listen(options);
    await once(server, 'listening');
    servers.push(server);
    return server;
  };
  const close = () => {
    for (const server of servers) server.close();
  };
  if (address.kind === 'unix') {
    const path = unixSocketPath(address.text) ?? '';
    await removeStaleSocket(path);
    await listen({ path });
    return { address: address.text, close };
  }
  const port = await listenOnAll(address, listen);
  return { address: address.text.replace(/:0$/, `:${port}`), close };
}

/** Listens on every address of a host name, on one port. Fails if it cannot listen on any of them. */
async function listenOnAll(
  { host, port }: TcpAddress,
  listen: (options: ListenOptions) => Promise<Server>,
): Promise<number> {
  let boundPort = port;
  let firstError: unknown;
  let isListening = false;
  for (const address of await addressesOf(host)) {
    try {
      boundPort = ((await listen({ host: address, port: boundPort })).address() as AddressInfo).port;
      isListening = true;
    } catch (error) {
      firstError ??= error;
    }
  }
  if (!isListening) throw firstError;
  return boundPort;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const resolved = await lookup(host, { all: true });
  return [...new Set(resolved.map(({ address }) => address))];
}
