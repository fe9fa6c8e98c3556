import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import { ListUsersRequest, UpdateUserRequest } from '../../src/gen/latchkey/admin/v1/user.ts';
import { BatchValidateRequest, LoginRequest, ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { WatchRevocationsRequest } from '../../src/gen/latchkey/v1/validation.ts';
import { type Decoder, decodeStrictly } from '../../src/grpc/encoding.ts';

const LIMITS = { maxBytes: 16 * 1024, maxFields: 128 };

/** These bytes, repeated. */
const repeated = (hex: string, times: number) => Buffer.alloc((hex.length / 2) * times, hex, 'hex');

/** Counts what is read of a message: tags, lengths and numbers. */
function counting<Message>(type: Decoder<Message>) {
  const counted = { reads: 0 };
  const decoder: Decoder<Message> = {
    decode: (reader: BinaryReader) => {
      const read = reader.uint32;
      reader.uint32 = function (this: BinaryReader) {
        counted.reads += 1;
        return read.call(this);
      };
      return type.decode(reader);
    },
  };
  return { decoder, counted };
}

type Case = readonly [what: string, type: Decoder<unknown>, hex: string, before?: string, after?: string];

describe('a request with more fields than its rpc needs', () => {
  const cases: readonly Case[] = [
    ['empty texts', ValidateRequest, '0a00'],
    ['numbers', ValidateRequest, '1001'],
    ['empty tokens', BatchValidateRequest, '0a00'],
    ['unknown fields', ListUsersRequest, '7a00'],
    ['unknown numbers', ListUsersRequest, '7801'],
    ['the longest numbers', ValidateRequest, `10${'ff'.repeat(9)}01`],
    ['groups', ValidateRequest, '7b7c'],
    ['fields within one group', ValidateRequest, '7800', '7b', '7c'],
    ['nested messages', LoginRequest, '2200'],
    ['fields of a nested message', UpdateUserRequest, '0a00', '228040'],
    ['times', WatchRevocationsRequest, '12020800'],
  ];
  test.each(cases)(
    'is refused at the limit, and is read no further: %s',
    (_what, type, hex, before = '', after = '') => {
      const bytes = Buffer.concat([
        Buffer.from(before, 'hex'),
        repeated(hex, 4_096),
        Buffer.from(after, 'hex'),
      ]);
      const { decoder, counted } = counting(type);
      const refused = thrownBy(() => decodeStrictly(decoder, bytes, LIMITS));
      expect(refused).toMatchObject({
        reason: 'REQUEST_TOO_LARGE',
        message: 'The request has too many fields; this rpc accepts at most 128.',
        metadata: { max_fields: '128' },
      });
      expect(counted.reads).toBe(LIMITS.maxFields + 1);
    },
  );

  test('is refused with one field too many', () => {
    expect(decodeStrictly(BatchValidateRequest, repeated('0a0161', 128), LIMITS).accessTokens).toHaveLength(
      128,
    );
    expect(
      thrownBy(() => decodeStrictly(BatchValidateRequest, repeated('0a0161', 129), LIMITS)),
    ).toBeInstanceOf(Failure);
  });
});

test('A message that cannot be decoded is malformed, at any depth', () => {
  for (const bytes of [Buffer.alloc(10_000, 0x1b), repeated('2200', 3).subarray(0, 5), Buffer.alloc(64)]) {
    expect(thrownBy(() => decodeStrictly(LoginRequest, bytes, LIMITS))).toMatchObject({
      reason: 'MALFORMED_REQUEST',
    });
  }
});

function thrownBy(step: () => unknown): unknown {
  try {
    step();
  } catch (error) {
    return error;
  }
  return undefined;
}
