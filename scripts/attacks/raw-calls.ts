import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';

/** Where a service listens, and the certificate of its callers. */
export interface Target {
  /** For example `http://127.0.0.1:50051`. */
  readonly url: string;
  /** PEM. If set: TLS. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** One HTTP/2 connection that sends arbitrary bytes as gRPC calls. */
export class RawCalls {
  readonly #session: ClientHttp2Session;
  #underWay = 0;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open({ url, tls }: Target): Promise<RawCalls> {
    const session = connect(url, tls);
    await once(session, 'connect');
    session.on('error', () => {});
    return new RawCalls(session);
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Returns the gRPC status; NaN: the stream ended without one. */
  send(path: string, headers: OutgoingHttpHeaders, body: Buffer): Promise<number> {
    this.#underWay += 1;
    return new Promise((resolve) => {
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      let code = Number.NaN;
      const note = (received: Record<string, unknown>) => {
        if ('grpc-status' in received) code = Number(received['grpc-status']);
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('error', () => {});
      stream.on('close', () => {
        this.#underWay -= 1;
        resolve(code);
      });
      stream.resume();
      stream.end(body);
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
