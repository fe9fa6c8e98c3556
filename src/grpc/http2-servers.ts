import type { Http2Server } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/**
 * The HTTP/2 servers of a grpc-js server, which are private there.
 *
 * @param server must be bound, or have a connection injector: only then does the library have them.
 */
export function http2ServersOf(server: Server): readonly Http2Server[] {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
    throw new Error(
      'This version of @grpc/grpc-js keeps its HTTP/2 servers elsewhere: install the one in package-lock.json.',
    );
  }
  return [...(http2Servers.keys() as Iterable<Http2Server>)];
}
