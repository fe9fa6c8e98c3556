import { isIP } from 'node:net';

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
