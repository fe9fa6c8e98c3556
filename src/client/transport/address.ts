import { isIPv6 } from 'node:net';

const DEFAULT_PORT = 50_051;
/** gRPC targets that name hosts. `ipv4` and `ipv6` targets may name several. */
const HOSTS = /^(?:dns:(?:\/\/[^/]*\/)?|(ipv[46]):(?:\/\/\/)?)/;
/** Other gRPC targets: a socket file, or the scheme of a custom resolver. */
const NO_HOST = /^unix(?:-abstract)?:|^[A-Za-z][\w+.-]*:\/\//;

/** Adds port 50051 if the address has no port. Throws a `TypeError` for an invalid port. */
export function withPort(address: string): string {
  const [scheme = '', list] = HOSTS.exec(address) ?? [];
  if (scheme === '' && NO_HOST.test(address)) return address;
  const hosts = address.slice(scheme.length);
  const named = list === undefined ? [hosts] : hosts.split(',');
  return scheme + named.map((host) => hostAndPort(host, address)).join(',');
}

function hostAndPort(host: string, address: string): string {
  if (isIPv6(host)) return `[${host}]:${DEFAULT_PORT}`;
  const port = /^(?:\[[^\]]*\]|[^:[]*):(.*)$/s.exec(host)?.[1];
  if (port === undefined) return `${host}:${DEFAULT_PORT}`;
  if (/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) return host;
  const shown = address.includes('@') ? 'the address' : address;
  throw new TypeError(`connect: the port of ${shown} must be a number from 1 to 65535.`);
}
