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

test('does not change the rest', () => {
  const said =
    'server_call | Request to /a/B received headers {"user-agent":["grpc-node-js/1.14.7"],"te":[]}';
  expect(maskCredentials(said)).toBe(said);
});

test.each([
  ['the prefix of an id', `sid_${JWT}`],
  ['a slash', `/x/a_${JWT}`],
  ['other letters', `x${JWT}`],
  ['a refresh token', 'x_lkr_AbCdEf0123'],
])('masks a token after %s', (_, said) => {
  expect(maskCredentials(`"user-agent":["${said}"]`)).toBe('"user-agent":["[secret]"]');
});

test('truncates long text', () => {
  expect(maskCredentials('a '.repeat(100_000)).length).toBeLessThan(20_000);
});

test.each([
  ['a header with many backslashes', `"authorization":["${'\\\\'.repeat(31_000)}`],
  ['many headers that do not end', '"authorization":['.repeat(4_000)],
  ['many quotes', '"'.repeat(62_000)],
  ['many secret words', `x-a: "${'token'.repeat(12_000)}\tz`],
  ['many beginnings of a token', `x-a: "${'eyJ'.repeat(20_000)}\tz`],
  ['many tokens', 'eyJ.'.repeat(15_000)],
  ['many bearers', 'Bearer '.repeat(9_000)],
  ['a bearer and spaces', `Bearer ${' '.repeat(62_000)}`],
  ['the refusal of a header', `Failed to add metadata entry ${'a:'.repeat(31_000)}`],
  ['words of the refusal', 'Failed to add metadata entry '.repeat(2_000)],
])('takes linear time for %s', (_, said) => {
  // Quadratic time would be seconds.
  const began = performance.now();
  maskCredentials(said);
  expect(performance.now() - began).toBeLessThan(1_000);
});
