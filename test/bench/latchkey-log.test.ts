import { describe, expect, test } from '@jest/globals';
import { portIn } from '../../scripts/bench/servers/latchkey.ts';

describe('the port in the log', () => {
  test('is that of the address in a JSON line', () => {
    expect(portIn('{"level":30,"msg":"listening","address":"127.0.0.1:40123"}')).toBe(40123);
  });

  test.each([
    'listening on 127.0.0.1:40123',
    '{"msg":"connected","url":"redis://127.0.0.1:6379"}',
    '{"msg":"configured","listen":"127.0.0.1:0"}',
    '{"msg":"starting"}',
  ])('is not in %s', (line) => {
    expect(portIn(line)).toBeUndefined();
  });
});
