// The parts of HTTP/2 (RFC 9113) and HPACK (RFC 7541) that a client of one gRPC method needs.

export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4 } as const;
export const SETTING = { enablePush: 0x2, maxConcurrentStreams: 0x3, initialWindowSize: 0x4 } as const;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** The largest frame that every peer accepts, and the initial window of a stream. */
export const MAX_FRAME_BYTES = 16_384;

const HEADER_BYTES = 9;
const GRPC_PREFIX_BYTES = 5;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(streamId, 5);
  payload.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** @param settings by their identifiers. */
export function settingsFrame(settings: Readonly<Record<number, number>>): Buffer {
  const payload = Buffer.alloc(Object.keys(settings).length * 6);
  for (const [index, [id, value]] of Object.entries(settings).entries()) {
    payload.writeUInt16BE(Number(id), index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(FRAME.settings, 0, 0, payload);
}

export function windowUpdateFrame(streamId: number, increment: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(increment);
  return frame(FRAME.windowUpdate, 0, streamId, payload);
}

/**
 * The header blocks of a connection. The first request also fills the peer's table. Later requests only refer to it, in
 * six bytes, as any HTTP/2 client does.
 */
export function requestHeaderBlocks(authority: string, path: string): { first: Buffer; later: Buffer } {
  const post = 0x83;
  const http = 0x86;
  const indexed = (name: number[], value: string): Buffer =>
    Buffer.concat([Buffer.from(name), literal(value)]);
  const first = Buffer.concat([
    Buffer.from([post, http]),
    indexed([0x44], path),
    indexed([0x41], authority),
    indexed([0x5f], 'application/grpc'),
    indexed([0x40, ...literal('te')], 'trailers'),
  ]);
  return { first, later: Buffer.from([post, http, 0xc1, 0xc0, 0xbf, 0xbe]) };
}

/** A string of at most 126 bytes, not Huffman coded. */
function literal(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length > 126) throw new RangeError('the header is too long');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** A message in a gRPC frame: uncompressed, with a four-byte length. */
export function grpcFrame(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + message.length);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, GRPC_PREFIX_BYTES);
  return bytes;
}

/** The message of the only gRPC frame in `bytes`. Undefined: `bytes` is not exactly one complete frame. */
export function grpcMessage(bytes: Buffer): Buffer | undefined {
  if (bytes.length < GRPC_PREFIX_BYTES || bytes.readUInt8(0) !== 0) return undefined;
  const message = bytes.subarray(GRPC_PREFIX_BYTES);
  return bytes.readUInt32BE(1) === message.length ? message : undefined;
}

/** Splits the bytes of a socket into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      yield {
        type: bytes.readUInt8(at + 3),
        flags: bytes.readUInt8(at + 4),
        streamId: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        payload: bytes.subarray(at + HEADER_BYTES, end),
      };
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
