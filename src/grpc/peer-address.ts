import { isIP } from 'node:net';

const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * The IP address in what grpc-js answers as `getPeer()`: an address, a colon and a port, IPv6 without
 * brackets. Empty where there is no address, as on a Unix socket. An IPv4 address that arrived over a
 * dual-stack socket (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is given as IPv4.
 */
export function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(':');
  const host = (colon >= 0 ? peer.slice(0, colon) : peer).replace(/^\[|\]$/g, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(host) === 0 ? '' : host;
}

/**
 * The network of an address, as a provider assigns it to one customer: an IPv4 address itself, and of an IPv6 address
 * the first 64 bits (RFC 6177). Empty stays empty.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  // A trailing IPv4 address takes the place of two groups.
  const written = left.length + right.length + (address.includes('.') ? 1 : 0);
  const zeros = new Array<string>(Math.max(0, IPV6_GROUPS - written)).fill('0');
  const groups = [...left, ...zeros, ...right].slice(0, NETWORK_GROUPS);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
