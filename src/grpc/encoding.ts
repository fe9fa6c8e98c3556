import { isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Failure } from '../core/failure.ts';
import type { RequestLimits } from './request-limits.ts';

/** The decoding half of a generated message type. */
export interface Decoder<Message> {
  decode(reader: BinaryReader): Message;
}

/** The encoding half of a generated message type. */
export interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/** A message that the handler has already encoded. */
export class EncodedMessage {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Passes an encoded message through unchanged. */
export const asEncoded: Encoder<EncodedMessage> = {
  encode: ({ bytes }) => ({ finish: () => bytes }),
};

/** Encodes a message. The buffer shares the writer's memory. */
export function bytesOf<Message>(type: Encoder<Message>, message: Message): Buffer {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes a request. Throws MALFORMED_REQUEST, or REQUEST_TOO_LARGE if it has more than `maxFields` fields.
 * The generated decoder is less strict: it accepts strings that are not UTF-8, which proto3 forbids. It also stops
 * silently at a tag of zero.
 */
export function decodeStrictly<Message>(
  type: Decoder<Message>,
  bytes: Buffer,
  { maxFields }: Pick<RequestLimits, 'maxFields'>,
): Message {
  const reader = new StrictReader(bytes, maxFields);
  let message: Message;
  try {
    message = type.decode(reader);
  } catch {
    throw reader.fieldsLeft < 0 ? tooManyFields(maxFields) : malformed();
  }
  if (reader.pos !== bytes.length) throw malformed();
  return message;
}

function malformed(): Failure {
  return new Failure('MALFORMED_REQUEST', 'The request is not a valid protobuf message of this rpc.');
}

function tooManyFields(maxFields: number): Failure {
  const message = `The request has too many fields; this rpc accepts at most ${maxFields}.`;
  return new Failure('REQUEST_TOO_LARGE', message, { metadata: { max_fields: String(maxFields) } });
}

/** The library's varint reader. The library sets it as a property of each instance. */
const { uint32: readVarint } = new BinaryReader(Buffer.alloc(0));

/**
 * Counts every varint read by `uint32`: each tag and each length of a nested message. This includes tags of unknown
 * fields and tags within groups. String lengths and `int32` values are not counted.
 */
class StrictReader extends BinaryReader {
  readonly #bytes: Buffer;
  fieldsLeft: number;

  constructor(bytes: Buffer, maxFields: number) {
    super(bytes);
    this.#bytes = bytes;
    this.fieldsLeft = maxFields;
    this.uint32 = readCounted;
  }

  override int32(): number {
    return readVarint.call(this) | 0;
  }

  override string(): string {
    const length = readVarint.call(this);
    const start = this.pos;
    this.pos += length;
    if (this.pos > this.len) throw new RangeError('a string longer than the message');
    const text = this.#bytes.toString('utf8', start, this.pos);
    // Invalid UTF-8 decodes to U+FFFD, but U+FFFD may also have been sent. Only then check the bytes.
    if (text.includes('\uFFFD') && !isUtf8(this.#bytes.subarray(start, this.pos))) {
      throw new TypeError('a string that is not UTF-8');
    }
    return text;
  }
}

function readCounted(this: StrictReader): number {
  this.fieldsLeft -= 1;
  if (this.fieldsLeft < 0) throw new RangeError('too many fields');
  return readVarint.call(this);
}
