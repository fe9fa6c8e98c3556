import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { parsed } from './scalars.ts';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Port 0: the system chooses a free port. */
export interface TcpAddress extends HostAndPort {
  readonly kind: 'tcp';
  /** `host:port`, IPv6 in brackets. */
  readonly text: string;
}

export interface UnixAddress {
  readonly kind: 'unix';
  /** `unix:` and an absolute path. */
  readonly text: string;
}

/** Where to listen. */
export type ListenAddress = TcpAddress | UnixAddress;

const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;
const MAX_PORT = 65_535;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** `host:port`, `[ipv6]:port` or `unix:/path`. */
export const listenAddress = parsed<ListenAddress>(
  (text) => (/^unix:\/[^\0]+$/.test(text) ? { kind: 'unix', text } : parseTcp(text)),
  'must be host:port, [ipv6]:port or unix:/path, with a port from 0 to 65535',
);

/** `host:port` or `[ipv6]:port`. */
export const tcpAddress = parsed<TcpAddress>(
  parseTcp,
  'must be host:port or [ipv6]:port, with a port from 0 to 65535',
);

/** `host:port`, `[ipv6]:port` or `off`. */
export const tcpAddressOrOff = parsed<TcpAddress | 'off'>(
  (text) => (text === 'off' ? text : parseTcp(text)),
  'must be host:port or [ipv6]:port, with a port from 0 to 65535, or off',
);

/** Whether only this machine can reach the address. Host names other than localhost may resolve to any address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true;
  const { host } = address;
  if (host.toLowerCase() === 'localhost') return true;
  return (isIPv4(host) && LOOPBACK.check(host, 'ipv4')) || (isIPv6(host) && LOOPBACK.check(host, 'ipv6'));
}

/** Parses a host and a port. The port is optional if there is a default. Undefined if the text is invalid. */
export function parseHostAndPort(text: string, defaultPort?: number): HostAndPort | undefined {
  const withPort =
    defaultPort === undefined || /:\d+$/.test(text.replace(/^\[[^\]]*\]/, ''))
      ? text
      : `${text}:${defaultPort}`;
  const [, ipv6, name, digits] = HOST_AND_PORT.exec(withPort) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || (ipv6 !== undefined && !isIPv6(ipv6)) || Number(digits) > MAX_PORT)
    return undefined;
  return { host, port: Number(digits) };
}

function parseTcp(text: string): TcpAddress | undefined {
  const parsed = parseHostAndPort(text);
  return parsed && { kind: 'tcp', text, ...parsed };
}
