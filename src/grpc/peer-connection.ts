import { peerAddress } from './peer-address.ts';

/** HTTP/2 sessions of Unix sockets, numbered as they are first seen. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/**
 * Names the connection that a call of grpc-js came over; no other open one has the same name. That is the peer's
 * address and port. A Unix socket has neither, so there it is a number that its HTTP/2 session is given.
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

/** Private to the library, which has no other way to it. Undefined: it is kept elsewhere now. */
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
