import { BlockList, isIP } from 'node:net';

/** Of the longest text form of an IPv6 address. */
const MAX_ADDRESS_LENGTH = 45;
const IPV6_GROUPS = 8;
const GROUP_BITS = 16;
const BYTE_BITS = 8;

/** Lengths of network prefixes: whole bytes of IPv4, whole groups of IPv6. */
export interface NetworkBits {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** The network that a provider assigns to one customer: the whole IPv4 address, or the /64 of IPv6 (RFC 6177). */
const OF_ONE_CUSTOMER: NetworkBits = { ipv4: 32, ipv6: 64 };

/** Private, shared, link-local and loopback networks (RFC 6890). */
const LOCAL_NETWORKS = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  LOCAL_NETWORKS.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  LOCAL_NETWORKS.addSubnet(network, prefix, 'ipv6');
}

/**
 * The IP address in a `getPeer()` of grpc-js, which has the form `address:port`, with IPv6 not in brackets. A zone
 * (`%eth0`) is removed. Empty if there is no address, as on a Unix socket.
 */
export function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(':');
  return canonicalAddress((colon >= 0 ? peer.slice(0, colon) : peer).replace(/^\[|\]$|%.*$/g, ''));
}

/** Whether a text is an IP address without a port and a zone. */
export function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_LENGTH && isIP(text) !== 0 && !text.includes('%');
}

/**
 * The canonical text of an IP address. IPv6 follows RFC 5952. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`,
 * RFC 4291, section 2.5.5.2) becomes IPv4. Empty if the text is not an address.
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

/** The network of an address: by default, the one of a customer. Empty if the address is empty. */
export function networkOf(address: string, { ipv4, ipv6 }: NetworkBits = OF_ONE_CUSTOMER): string {
  if (isIP(address) !== 6) return ipv4 === 32 || address === '' ? address : ipv4Network(address, ipv4);
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  // A trailing IPv4 address takes the place of two groups.
  const written = left.length + right.length + (address.includes('.') ? 1 : 0);
  const zeros = new Array<string>(Math.max(0, IPV6_GROUPS - written)).fill('0');
  const groups = [...left, ...zeros, ...right].slice(0, ipv6 / GROUP_BITS);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/${ipv6}`;
}

function ipv4Network(address: string, bits: number): string {
  const bytes = address.split('.').map((byte, index) => (index < bits / BYTE_BITS ? byte : '0'));
  return `${bytes.join('.')}/${bits}`;
}

/** Whether a canonical address is public. Other addresses are often those of a proxy. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !LOCAL_NETWORKS.check(address, version === 4 ? 'ipv4' : 'ipv6');
}
