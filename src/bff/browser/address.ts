import { isIP, isIPv4 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** Some proxies add the port. */
const WITH_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|(\d+\.\d+\.\d+\.\d+)):\d+$/;

/**
 * The address of the browser in the form that the service wants: without port and zone.
 *
 * @param given the rightmost address of `X-Forwarded-For` that is not a trusted proxy, or that of the connection.
 * @returns undefined if it is no address, for example `unknown`, which some proxies write.
 */
export function addressOf(given: string): string | undefined {
  const [, ipv6, ipv4] = WITH_PORT.exec(given) ?? [];
  const [address = ''] = (ipv6 ?? ipv4 ?? given).split('%');
  const [, mapped] = MAPPED_IPV4.exec(address) ?? [];
  if (mapped !== undefined) return isIPv4(mapped) ? mapped : undefined;
  return isIP(address) === 0 ? undefined : address;
}
