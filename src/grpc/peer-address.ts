import { isIP } from 'node:net';

const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * The IP address in what grpc-js answers as `getPeer()`: an address, a colon and a port, IPv6 without
 * brackets. A zone (`%eth0`) is left out. Empty where there is no address, as on a Unix socket.
 */
export function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(':');
  return canonicalAddress((colon >= 0 ? peer.slice(0, colon) : peer).replace(/^\[|\]$|%.*$/g, ''));
}

/**
 * One text for each IP address: IPv6 as RFC 5952 writes it. An IPv4 address within IPv6 (`::ffff:192.0.2.1`, RFC 4291,
 * section 2.5.5.2) is given as IPv4. Empty for what is no address.
 */
export function canonicalAddress(address: string): string {
  const version = isIP(address);
  if (version !== 6 || address.includes('%')) return version === 4 ? address : '';
  const ipv6 = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(ipv6) ?? [];
  if (high === undefined || low === undefined) return ipv6;
  const bits = Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
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
