import { describe, expect, test } from '@jest/globals';
import { readCountries } from '../../src/adapters/geo/country-database.ts';
import { countryFile } from '../support/country-file.ts';

const FILE = countryFile({
  '203.0.113.0/24': 'DE',
  '198.51.100.0/25': 'FR',
  '2001:db8:1:0:0:0:0:0/48': 'JP',
});

describe('the country of an address', () => {
  const countryOf = readCountries(FILE);

  test.each([
    ['203.0.113.1', 'DE'],
    ['198.51.100.23', 'FR'],
    ['198.51.100.200', undefined],
    ['192.0.2.1', undefined],
    ['2001:db8:1::5', 'JP'],
    ['2001:db8:2::5', undefined],
    ['', undefined],
    ['not an address', undefined],
  ])('%s: %s', (address, country) => {
    expect(countryOf(address)).toBe(country);
  });
});

describe('a file without countries is refused', () => {
  test.each([
    ['that is empty', Buffer.alloc(0), 'it is not in the MaxMind DB format'],
    ['of text', Buffer.from('countries'), 'it is not in the MaxMind DB format'],
    ['cut in half', FILE.subarray(0, FILE.length / 2), 'it is not in the MaxMind DB format'],
    ['of networks', countryFile({}, 'GeoLite2-ASN'), 'it holds GeoLite2-ASN, not countries'],
  ])('%s', (_, bytes, message) => {
    expect(() => readCountries(bytes)).toThrow(message);
  });
});
