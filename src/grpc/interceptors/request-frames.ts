import type {
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
} from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import type { RequestLimits } from '../request-limits.ts';
import { statusOf } from '../status-details.ts';

/** Receives the bytes of a request. Private in grpc-js. */
type LibraryCall = ServerInterceptingCallInterface & { handleDataFrame(data: Buffer): void };

type ByteLimit = Pick<RequestLimits, 'maxBytes'>;

/** The prefix of a message: a one-byte compression flag and a four-byte length. */
const PREFIX_BYTES = 5;
/** More than a reflection client needs for all types. Only reflection accepts a stream of requests. */
const MAX_STREAMED_MESSAGES = 100;
const EMPTY = Buffer.alloc(0);

/**
 * Refuses a message whose length prefix exceeds the limit of its rpc, and more messages than the rpc accepts.
 * Otherwise the library would buffer up to the largest request of any rpc and decode every message of a chunk.
 * Thousands of empty messages cost as much as a large one.
 *
 * @param limitsOf returns the limits of an rpc by its path.
 */
export function requestFrames(limitsOf: (path: string) => ByteLimit): ServerInterceptor {
  return ({ path, requestStream }, call) => {
    const library = call as LibraryCall;
    const frames = new Frames(path, limitsOf(path), requestStream);
    const handle = library.handleDataFrame;
    library.handleDataFrame = function (data) {
      const fault = frames.faultIn(data);
      if (fault === undefined) return handle.call(this, data);
      this.handleDataFrame = () => {};
      this.sendStatus(statusOf(fault));
    };
    return call as ServerInterceptingCall;
  };
}

/** Tracks the message boundaries of one call as its bytes arrive. */
class Frames {
  readonly #path: string;
  readonly #limits: ByteLimit;
  readonly #isStream: boolean;
  /** How many more messages may begin. */
  #messagesLeft: number;
  /** The received part of the next prefix. */
  #partialPrefix: Buffer = EMPTY;
  /** How many bytes of the current message are still to come. */
  #bytesLeft = 0;

  constructor(path: string, limits: ByteLimit, isStream: boolean) {
    this.#path = path;
    this.#limits = limits;
    this.#isStream = isStream;
    this.#messagesLeft = isStream ? MAX_STREAMED_MESSAGES : 1;
  }

  get #rpc(): string {
    return this.#path.slice(this.#path.lastIndexOf('/') + 1);
  }

  /** The failure that these bytes cause. Undefined if there is none. */
  faultIn(data: Buffer): Failure | undefined {
    let bytes = data;
    let at = 0;
    if (this.#partialPrefix.length > 0) {
      bytes = Buffer.concat([this.#partialPrefix, data]);
      this.#partialPrefix = EMPTY;
    }
    while (at < bytes.length) {
      if (this.#bytesLeft > 0) {
        const taken = Math.min(this.#bytesLeft, bytes.length - at);
        this.#bytesLeft -= taken;
        at += taken;
        continue;
      }
      if (this.#messagesLeft === 0) return this.#tooManyMessages();
      if (bytes.length - at < PREFIX_BYTES) {
        this.#partialPrefix = bytes.subarray(at);
        return undefined;
      }
      this.#messagesLeft -= 1;
      this.#bytesLeft = bytes.readUInt32BE(at + 1);
      if (this.#bytesLeft > this.#limits.maxBytes) return this.#tooLarge(this.#bytesLeft);
      at += PREFIX_BYTES;
    }
    return undefined;
  }

  #tooManyMessages(): Failure {
    if (!this.#isStream)
      return new Failure('MALFORMED_REQUEST', 'The call has more than one request message.');
    const message = `A call of ${this.#rpc} accepts at most ${MAX_STREAMED_MESSAGES} request messages; send the rest in another call.`;
    return new Failure('REQUEST_TOO_LARGE', message, {
      metadata: { max_messages: String(MAX_STREAMED_MESSAGES) },
    });
  }

  #tooLarge(bytes: number): Failure {
    const { maxBytes } = this.#limits;
    const message = `${this.#rpc} accepts requests of at most ${maxBytes} bytes; this one has ${bytes}.`;
    return new Failure('REQUEST_TOO_LARGE', message, { metadata: { max_bytes: String(maxBytes) } });
  }
}
