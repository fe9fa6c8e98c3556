import { expect, test } from '@jest/globals';
import { maskCredentials } from '../../src/validator/masked-credentials.ts';

const JWT = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJtaWEifQ.c2ln';

test.each([
  ['authorization of any scheme', '{"authorization":["Basic bWlhOng="]}', '{"authorization":["[secret]"]}'],
  [
    'several values',
    '{"authorization":["Bearer a","x]y\\"z"],"b":["c"]}',
    '{"authorization":["[secret]"],"b":["c"]}',
  ],
  ['a header named like a secret', '{"x-refresh-token":["abc"]}', '{"x-refresh-token":["[secret]"]}'],
  ['a token under another name', `{"x-forwarded":["${JWT}"]}`, '{"x-forwarded":["[secret]"]}'],
  ['a bearer token in a sentence', 'got Bearer abc.def, refused', 'got [secret], refused'],
  [
    'a value that grpc-js refused',
    'Failed to add metadata entry a: b\nc. Bad',
    'Failed to add metadata entry a: the value is not printed',
  ],
])('masks %s', (_, said, masked) => {
  expect(maskCredentials(said)).toBe(masked);
});

test('leaves the rest as it is', () => {
  const said =
    'server_call | Request to /a/B received headers {"user-agent":["grpc-node-js/1.14.7"],"te":[]}';
  expect(maskCredentials(said)).toBe(said);
});

test('takes no longer for text that was made to be slow', () => {
  const began = performance.now();
  maskCredentials(`"authorization":["${'\\\\'.repeat(20_000)}`);
  maskCredentials('"authorization":['.repeat(1_000));
  maskCredentials('eyJ.'.repeat(10_000));
  expect(performance.now() - began).toBeLessThan(2_000);
});
