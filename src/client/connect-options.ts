import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';
import type { ConnectOptions } from './latchkey-client.ts';
import { checkToken } from './own-token.ts';
import type { ValidateDemand } from './validation.ts';

const LEAST_MAX_STALENESS_MS = 500;
const MODES: readonly unknown[] = ['local', 'remote'];
/** Every option there is: the type sees to it. */
const NAMES: Readonly<Record<keyof ConnectOptions, true>> = {
  credentials: true,
  mode: true,
  maxStalenessMs: true,
  audience: true,
  tokenCacheSize: true,
  token: true,
  timeoutMs: true,
  clock: true,
};

/**
 * Refuses what cannot have been meant, before anything is connected: in plain JavaScript nobody else would, and a
 * misspelt bound would be the default without a word. Throws a `TypeError` that says what there is.
 */
export function checkConnect(addresses: readonly unknown[], options: ConnectOptions): void {
  if (addresses.length === 0)
    throw new TypeError('connect: an address is needed, for example 127.0.0.1:50051.');
  for (const address of addresses) checkAddress(address);
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`connect: the options are ${shown(options)}, and must be an object.`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(NAMES, name)) {
      throw new TypeError(`connect: there is no option ${name}; there are ${Object.keys(NAMES).join(', ')}.`);
    }
  }
  const { mode = 'local' } = options;
  if (!MODES.includes(mode))
    throw new TypeError(`connect: mode is ${shown(mode)}, and must be local or remote.`);
  checkNumber('maxStalenessMs', options.maxStalenessMs, LEAST_MAX_STALENESS_MS);
  checkNumber('timeoutMs', options.timeoutMs, 1);
  checkNumber('tokenCacheSize', options.tokenCacheSize, 0);
  if ('token' in options) checkToken(options.token);
}

/** Why a demand cannot have been meant; undefined: nothing is wrong with it. */
export function demandFault(demand: ValidateDemand | null | undefined): LatchkeyError | undefined {
  const consistency: unknown = demand?.consistency;
  if (consistency === undefined || consistency === 'bounded' || consistency === 'strong') return undefined;
  const message = `consistency is ${shown(consistency)}, and must be bounded or strong.`;
  return new LatchkeyError(status.INVALID_ARGUMENT, message);
}

function checkAddress(address: unknown): void {
  if (typeof address !== 'string' || address === '') {
    throw new TypeError(
      `connect: the address is ${shown(address)}, and must be host:port, or a target of gRPC.`,
    );
  }
  if (/^https?:\/\//i.test(address)) {
    throw new TypeError(
      `connect: the address ${address} must be without ${address.split('//')[0]}//: host:port.`,
    );
  }
}

function checkNumber(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return;
  throw new TypeError(`connect: ${name} is ${shown(value)}, and must be a number of at least ${least}.`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
