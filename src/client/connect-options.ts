import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';
import type { ConnectOptions } from './latchkey-client.ts';
import { checkOptionNames, type NamesOf, unknownOption } from './option-names.ts';
import { checkToken } from './own-token.ts';
import type { ValidateDemand } from './validation.ts';

const LEAST_MAX_STALENESS_MS = 500;
const MODES: readonly unknown[] = ['local', 'remote'];
const NAMES: NamesOf<ConnectOptions> = {
  credentials: true,
  mode: true,
  maxStalenessMs: true,
  audience: true,
  tokenCacheSize: true,
  token: true,
  timeoutMs: true,
  clock: true,
};

const DEMAND_NAMES: NamesOf<ValidateDemand> = {
  consistency: true,
  audience: true,
  atLeastRevision: true,
  signal: true,
};

/**
 * Refuses what cannot have been meant, before anything is connected: in plain JavaScript nobody else would, and a
 * misspelt bound would be the default without a word. Throws a `TypeError` that says what there is.
 */
export function checkConnect(addresses: readonly unknown[], options: ConnectOptions): void {
  if (addresses.length === 0)
    throw new TypeError('connect: an address is needed, for example 127.0.0.1:50051.');
  for (const address of addresses) checkAddress(address);
  checkOptionNames('connect', options, NAMES);
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
  if (demand === undefined || demand === null) return undefined;
  const unknown = unknownOption(demand, DEMAND_NAMES);
  if (unknown !== undefined) return new LatchkeyError(status.INVALID_ARGUMENT, unknown);
  const consistency: unknown = demand.consistency;
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
