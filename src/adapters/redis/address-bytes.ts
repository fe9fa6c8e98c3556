import { isIPv4, isIPv6 } from 'node:net';

const NOTHING = Buffer.alloc(0);
const IPV6_GROUPS = 8;

/** An IP address in 4 or 16 bytes; none, if these would not come back as the same text. */
export function addressBytes(address: string): Buffer {
  const bytes = bytesOf(address);
  return bytes.length > 0 && addressText(bytes) === address ? bytes : NOTHING;
}

/** @param bytes 4 or 16 of them. IPv6 in the form of RFC 5952. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: IPV6_GROUPS }, (_, index) =>
    bytes.readUInt16BE(2 * index).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // Neither a zone nor an IPv4 address within.
  if (!isIPv6(address) || !/^[0-9a-f:]+$/.test(address)) return NOTHING;
  const [left = [], right = []] = address
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: IPV6_GROUPS - left.length - right.length }, () => '');
  const groups = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex');
}
