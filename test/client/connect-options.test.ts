import { describe, expect, test } from '@jest/globals';
import { connect } from '../../src/client/index.ts';

/** As plain JavaScript calls it. */
const untyped = connect as (address: unknown, options?: unknown) => unknown;

describe('connect refuses', () => {
  test.each([
    ['an address with a scheme of HTTP', 'http://127.0.0.1:50051', {}, 'without http://'],
    ['no address', '', {}, 'host:port'],
    ['no addresses', [], {}, '127.0.0.1:50051'],
    ['an option that there is not', 'a:1', { maxStaleness: 1 }, 'maxStalenessMs'],
    ['a mode that there is not', 'a:1', { mode: 'lokal' }, 'must be local or remote'],
    ['credentials that there are not', 'a:1', { credentials: { kind: 'plain' } }, 'plaintext, tls or mtls'],
    ['a bound that the service cannot keep', 'a:1', { maxStalenessMs: 499 }, 'at least 500'],
    ['a time that is none', 'a:1', { timeoutMs: Number.NaN }, 'timeoutMs is NaN'],
    ['a size that is none', 'a:1', { tokenCacheSize: Number.NaN }, 'tokenCacheSize is NaN'],
  ])('%s', (_what, address, options, told) => {
    expect(() => untyped(address, options)).toThrow(TypeError);
    expect(() => untyped(address, options)).toThrow(told);
  });
});
