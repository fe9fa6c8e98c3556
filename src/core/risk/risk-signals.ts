import { SIGN_IN_SIGNALS, type Signal } from './risk-rules.ts';

/** The circumstances of a sign-in or refresh. Empty: unknown, which is never unusual. */
export interface Circumstances {
  readonly deviceMark: string;
  readonly platform: string;
  readonly ipAddress: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An earlier sign-in of the user. Empty: unknown. */
export interface PastSignIn {
  /** Undefined: an earlier release stored the sign-in, without its device. */
  readonly deviceMark: string | undefined;
  readonly platform: string;
  /** Where the session was. */
  readonly ipAddresses: readonly string[];
  readonly at: number;
}

/** The country of an IP address, as a code. Undefined: unknown. */
export type CountryOf = (address: string) => string | undefined;

/** Where an IP address is. */
export interface Places {
  /** Undefined: an unknown or private address, which is never unusual. */
  networkOf(address: string): string | undefined;
  readonly countryOf: CountryOf;
}

/** Sign-ins that are needed to know the usual hours. */
const MIN_SIGN_INS = 10;
/** An hour of the day is usual up to this many hours before and after an earlier sign-in. */
const USUAL_HOURS = 2;
const HOUR_MS = 3_600_000;
const HOURS = 24;

/**
 * What is unusual, compared with the past of the user. Without a past nothing is. What is unknown now, or in all of the
 * past, is not compared.
 */
export function signalsOf(
  current: Circumstances,
  past: readonly PastSignIn[],
  places: Places,
): readonly Signal[] {
  const found: Readonly<Record<Signal, boolean>> = {
    'new-device': past.length > 0 && isNewDevice(current.deviceMark, past),
    'new-platform': isNew(current.platform, new Set(past.map(({ platform }) => platform))),
    ...placeSignals(current, past, places),
    'unusual-hour': isUnusualHour(current.at, past),
  };
  return SIGN_IN_SIGNALS.filter((signal) => found[signal]);
}

/** Whether a device was never seen before. Also true for the first device of a user. */
export function isNewDevice(mark: string, past: readonly PastSignIn[]): boolean {
  const seen = new Set(past.map(({ deviceMark }) => deviceMark));
  const isRecorded = past.length === 0 || past.some(({ deviceMark }) => deviceMark !== undefined);
  return mark !== '' && isRecorded && !seen.has(mark);
}

function placeSignals({ ipAddress }: Circumstances, past: readonly PastSignIn[], places: Places) {
  const addresses = new Set(past.flatMap(({ ipAddresses }) => ipAddresses));
  const countryOf = (address: string) =>
    places.networkOf(address) === undefined ? undefined : places.countryOf(address);
  const isNewBy = (placeOf: CountryOf) => isNew(placeOf(ipAddress), new Set([...addresses].map(placeOf)));
  return {
    'new-network': isNewBy((address) => places.networkOf(address)),
    'new-country': isNewBy(countryOf),
  };
}

/** Whether a value is known and differs from all known values of the past, of which there is one at least. */
function isNew(value: string | undefined, past: ReadonlySet<string | undefined>): boolean {
  if (value === undefined || value === '') return false;
  return !past.has(value) && [...past].some((known) => known !== undefined && known !== '');
}

/** Compares hours of the day in UTC. */
function isUnusualHour(at: number, past: readonly PastSignIn[]): boolean {
  if (past.length < MIN_SIGN_INS) return false;
  return past.every((earlier) => {
    const apart = Math.abs(hourOf(at) - hourOf(earlier.at));
    return Math.min(apart, HOURS - apart) > USUAL_HOURS;
  });
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) % HOURS;
}
