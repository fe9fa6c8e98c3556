import type { ConnectOptions } from './transport/latchkey-client.ts';
import { checkOptionNames, type NamesOf } from './transport/option-names.ts';
import { checkToken } from './transport/own-token.ts';
import type { ServiceAccountOptions } from './transport/service-account.ts';

const MIN_MAX_STALENESS_MS = 500;
const MODES: readonly unknown[] = ['local', 'remote'];
const NAMES: NamesOf<ConnectOptions> = {
  credentials: true,
  mode: true,
  maxStalenessMs: true,
  audience: true,
  tokenCacheSize: true,
  token: true,
  serviceAccount: true,
  timeoutMs: true,
  clock: true,
};
const ACCOUNT_NAMES: NamesOf<ServiceAccountOptions> = { username: true, password: true, clientId: true };

/**
 * Throws a `TypeError` if an address or an option is invalid. Plain JavaScript has no compiler to catch a misspelt
 * option, and the default would apply silently.
 */
export function checkConnect(addresses: readonly unknown[], options: ConnectOptions): void {
  if (addresses.length === 0)
    throw new TypeError('connect: at least one address is required, for example 127.0.0.1:50051.');
  for (const address of addresses) checkAddress(address);
  checkOptionNames('connect', options, NAMES);
  const { mode = 'local' } = options;
  if (!MODES.includes(mode))
    throw new TypeError(`connect: mode is ${shown(mode)}; it must be local or remote.`);
  checkNumber('maxStalenessMs', options.maxStalenessMs, MIN_MAX_STALENESS_MS);
  checkNumber('timeoutMs', options.timeoutMs, 1);
  checkNumber('tokenCacheSize', options.tokenCacheSize, 0);
  if ('token' in options) checkToken(options.token);
  checkServiceAccount(options);
}

function checkServiceAccount({ serviceAccount, ...others }: ConnectOptions): void {
  if (serviceAccount === undefined) return;
  if ('token' in others) throw new TypeError('connect: give either token or serviceAccount, not both.');
  checkOptionNames('connect: serviceAccount', serviceAccount, ACCOUNT_NAMES);
  for (const name of ['username', 'password'] as const) {
    const value: unknown = serviceAccount[name];
    if (typeof value === 'string' && value !== '') continue;
    throw new TypeError(`connect: serviceAccount.${name} must be a non-empty string.`);
  }
}

function checkAddress(address: unknown): void {
  if (typeof address !== 'string' || address === '') {
    throw new TypeError(`connect: the address is ${shown(address)}; it must be host:port or a gRPC target.`);
  }
  if (/^https?:\/\//i.test(address)) {
    throw new TypeError(
      `connect: write the address ${address} without ${address.split('//')[0]}//, as host:port.`,
    );
  }
}

function checkNumber(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return;
  throw new TypeError(`connect: ${name} is ${shown(value)}; it must be a number of at least ${least}.`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
