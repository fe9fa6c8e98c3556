import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { unescape as percentDecoded } from 'node:querystring';

/** The response on a stream, from the service or the library. */
export interface RawAnswer {
  readonly httpStatus: number;
  /** NaN: there was none. */
  readonly grpcStatus: number;
  /** `grpc-message`; empty: there was none. */
  readonly message: string;
  /** Whether the status has details, as all of ours have. */
  readonly detailed: boolean;
  /** The error code of a stream reset; 0: it was not reset. */
  readonly reset: number;
}

export const VALIDATE = '/latchkey.v1.IdentityService/Validate';

/** A gRPC message frame around some bytes. `claim` is its length field. */
export function frame(body: Buffer, flag = 0, claim = body.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(claim, 1);
  return Buffer.concat([head, body]);
}

/** A client that sends any bytes, however malformed. */
export class RawClient {
  readonly session: ClientHttp2Session;

  constructor(address: string) {
    this.session = connect(`http://${address}`);
    this.session.on('error', () => {});
  }

  /** Sends one request with these bytes as its body and waits for the end of the stream. */
  send(body: Buffer, headers: OutgoingHttpHeaders = {}): Promise<RawAnswer> {
    return this.#request(headers, (stream) => stream.end(body));
  }

  /** The same in frames of this size. */
  sendInPieces(body: Buffer, size: number, headers: OutgoingHttpHeaders = {}): Promise<RawAnswer> {
    return this.#request(headers, (stream) => {
      const sendFrom = (at: number): void => {
        if (stream.destroyed || stream.writableEnded) return;
        if (at >= body.length) stream.end();
        else stream.write(body.subarray(at, at + size), () => setImmediate(sendFrom, at + size));
      };
      sendFrom(0);
    });
  }

  #request(headers: OutgoingHttpHeaders, write: (stream: ClientHttp2Stream) => void): Promise<RawAnswer> {
    return new Promise((resolve) => {
      const stream = this.session.request({
        ':method': 'POST',
        ':path': VALIDATE,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      let received: Record<string, unknown> = {};
      stream.on('response', (answer) => {
        received = { ...received, ...answer };
      });
      stream.on('trailers', (trailers) => {
        received = { ...received, ...trailers };
      });
      stream.on('error', () => {});
      stream.on('close', () => {
        resolve({
          httpStatus: Number(received[':status']),
          grpcStatus: Number(received['grpc-status']),
          message: percentDecoded(String(received['grpc-message'] ?? '')),
          detailed: 'grpc-status-details-bin' in received,
          reset: stream.rstCode ?? 0,
        });
      });
      stream.resume();
      write(stream);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.session.destroyed) return resolve();
      this.session.once('close', () => resolve());
      this.session.destroy();
    });
  }
}
