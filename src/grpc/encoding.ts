import { isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';

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

/** Why a request could not be decoded. */
export class MalformedMessage {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** The message in wire form, in the very bytes that the writer made. */
export function bytesOf<Message>(type: Encoder<Message>, message: Message): Buffer {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes a request, and never throws: what a decoder throws, the library answers as INTERNAL, as though the
 * fault were ours. Stricter than the generated decoder, which takes text that is not UTF-8 (proto3 forbids
 * it) and stops without a word at a tag of zero.
 */
export function decodeStrictly<Message>(type: Decoder<Message>, bytes: Buffer): Message | MalformedMessage {
  try {
    const reader = new StrictReader(bytes);
    const message = type.decode(reader);
    return reader.pos === bytes.length
      ? message
      : new MalformedMessage(new RangeError('bytes after the end'));
  } catch (error) {
    return new MalformedMessage(error);
  }
}

class StrictReader extends BinaryReader {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super(bytes);
    this.#bytes = bytes;
  }

  override string(): string {
    const length = this.uint32();
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
