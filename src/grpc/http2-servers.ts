import type { Http2Server } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/**
 * Returns the HTTP/2 servers of a grpc-js server, a private field of the library.
 *
 * @param server must be bound or have a connection injector. Before that it has no HTTP/2 servers.
 */
export function http2ServersOf(server: Server): readonly Http2Server[] {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
    throw new Error(
      'Unsupported version of @grpc/grpc-js: its HTTP/2 servers were not found. Install the version in package-lock.json.',
    );
  }
  return [...(http2Servers.keys() as Iterable<Http2Server>)];
}
