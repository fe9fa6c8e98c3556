import { isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Failure } from '../core/failure.ts';
import type { RequestLimits } from './request-limits.ts';

/** The half of a generated message type that reads. */
export interface Decoder<Message> {
  decode(reader: BinaryReader): Message;
}

/** The half of a generated message type that writes. */
export interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/** A message that its handler has encoded itself. */
export class EncodedMessage {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Sends such a message as it is. */
export const asEncoded: Encoder<EncodedMessage> = {
  encode: ({ bytes }) => ({ finish: () => bytes }),
};

/** The message in wire form, in the very bytes that the writer made. */
export function bytesOf<Message>(type: Encoder<Message>, message: Message): Buffer {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes a request. Throws MALFORMED_REQUEST, and REQUEST_TOO_LARGE if it has more fields than its rpc needs.
 * Stricter than the generated decoder, which takes text that is not UTF-8 (proto3 forbids it) and stops without a
 * word at a tag of zero.
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
  return new Failure('MALFORMED_REQUEST', 'The request is not a protobuf message of its type.');
}

function tooManyFields(maxFields: number): Failure {
  const message = `The request has too many fields: this rpc takes at most ${maxFields}.`;
  return new Failure('REQUEST_TOO_LARGE', message, { metadata: { max_fields: String(maxFields) } });
}

/** The library's varint reader, which the library sets as a property of each instance. */
const { uint32: readVarint } = new BinaryReader(Buffer.alloc(0));

/**
 * Counts every varint read by `uint32`: each tag, also of unknown fields and within groups, and each length of a nested
 * message. Text lengths and `int32` values are read without being counted.
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
    // Bytes that are no UTF-8 become U+FFFD, and so does a U+FFFD that was sent: only then look closely.
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
