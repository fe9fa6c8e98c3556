import { peerAddress } from './peer-address.ts';

/** A number for each HTTP/2 session of a Unix socket. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/**
 * Identifies the connection of a grpc-js call, unique among open connections. It is the peer's address and port. A Unix
 * socket has neither, so its HTTP/2 session gets a number.
 */
export function peerConnection(surface: { getPeer(): string }): string {
  const peer = surface.getPeer();
  if (peerAddress(peer) !== '') return peer;
  const session = sessionOf(surface);
  if (session === undefined) return peer;
  const number = numbers.get(session) ?? ++lastNumber;
  numbers.set(session, number);
  return `unix ${number}`;
}

/** The HTTP/2 session of a call, private in grpc-js. Undefined if this version of grpc-js stores it elsewhere. */
function sessionOf(surface: object): object | undefined {
  let call = field(surface, 'call');
  for (let inner = field(call, 'nextCall'); inner !== undefined; inner = field(inner, 'nextCall'))
    call = inner;
  return field(field(call, 'stream'), 'session');
}

function field(of: object | undefined, name: string): object | undefined {
  const value: unknown = of && Reflect.get(of, name);
  return typeof value === 'object' && value !== null ? value : undefined;
}
