import { type CountryResponse, Reader } from 'maxmind';
import type { CountryOf } from '../../core/risk/risk-signals.ts';

/** Databases with countries, for example GeoLite2-Country and GeoIP2-City. */
const HAS_COUNTRIES = /country|city|enterprise/i;

/** Reads a database in the MaxMind DB format. Throws an error with a message for people if it cannot be used. */
export function readCountries(bytes: Buffer): CountryOf {
  const reader = open(bytes);
  const { databaseType } = reader.metadata;
  if (!HAS_COUNTRIES.test(databaseType)) throw new Error(`it holds ${databaseType}, not countries`);
  return (address) => countryIn(reader, address);
}

function open(bytes: Buffer): Reader<CountryResponse> {
  try {
    return new Reader<CountryResponse>(bytes);
  } catch (cause) {
    throw new Error('it is not in the MaxMind DB format', { cause });
  }
}

/** An IPv6 address in a database of IPv4 only, or a damaged record, has no known country. */
function countryIn(reader: Reader<CountryResponse>, address: string): string | undefined {
  try {
    return reader.get(address)?.country?.iso_code;
  } catch {
    return undefined;
  }
}
