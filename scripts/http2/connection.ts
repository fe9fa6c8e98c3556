import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  FLAG,
  FRAME,
  type Frame,
  FrameReader,
  frame,
  grpcMessage,
  MAX_FRAME_BYTES,
  PREFACE,
  requestHeaderBlocks,
  SETTING,
  settingsFrame,
  windowUpdateFrame,
} from './frames.ts';

/** The flow-control window for the peer, per connection and stream: more than any run needs. */
const RECEIVE_WINDOW = 2 ** 30;
/** The initial limits of HTTP/2 for both sides. */
const DEFAULT_WINDOW = 65_535;

interface Call {
  readonly body: Buffer;
  readonly resolve: (message: Buffer) => void;
  readonly reject: (error: Error) => void;
  /** The outcome of a call. */
  received: Buffer | undefined;
}

/**
 * One plaintext HTTP/2 connection that calls one unary gRPC method. It is cheap enough to saturate a server from one
 * core. A grpc-js client needs 100 microseconds or more per call and would itself be the limit.
 *
 * A call without a response message, such as a refusal, rejects. Metadata is ignored.
 */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #blocks: { first: Buffer; later: Buffer };
  readonly #reader = new FrameReader();
  readonly #waiting: Call[] = [];
  readonly #open = new Map<number, Call>();
  #outgoing: Buffer[] = [];
  #nextStreamId = 1;
  #maxStreams = Number.POSITIVE_INFINITY;
  #sendWindow = DEFAULT_WINDOW;
  #flushing = false;
  #ended: Error | undefined;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(socket: Socket, blocks: { first: Buffer; later: Buffer }) {
    this.#socket = socket;
    this.#blocks = blocks;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the server closed the connection')));
    this.#write(PREFACE);
    this.#write(settingsFrame({ [SETTING.enablePush]: 0, [SETTING.initialWindowSize]: RECEIVE_WINDOW }));
    this.#write(windowUpdateFrame(0, RECEIVE_WINDOW));
  }

  /** Resolves when the server has sent its stream limit. More concurrent streams would be refused. */
  static async open(port: number, path: string): Promise<GrpcConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const connection = new GrpcConnection(socket, requestHeaderBlocks(`127.0.0.1:${port}`, path));
    await connection.#ready.promise;
    return connection;
  }

  static openMany(count: number, port: number, path: string): Promise<readonly GrpcConnection[]> {
    return Promise.all(Array.from({ length: count }, () => GrpcConnection.open(port, path)));
  }

  /** Sends a message in its gRPC frame, at most 16 KiB. Resolves with the response message. */
  ask(body: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      if (body.length > MAX_FRAME_BYTES) return reject(new RangeError('the message is too long'));
      this.#waiting.push({ body, resolve, reject, received: undefined });
      this.#sendWaiting();
    });
  }

  /** Fails the calls in progress. */
  close(): void {
    this.#end(new Error('the connection was closed'));
  }

  #sendWaiting(): void {
    for (;;) {
      const call = this.#waiting[0];
      if (call === undefined || this.#open.size >= this.#maxStreams) return;
      if (call.body.length > this.#sendWindow) return;
      this.#waiting.shift();
      const streamId = this.#nextStreamId;
      this.#nextStreamId += 2;
      this.#sendWindow -= call.body.length;
      this.#open.set(streamId, call);
      const block = streamId === 1 ? this.#blocks.first : this.#blocks.later;
      this.#write(frame(FRAME.headers, FLAG.endHeaders, streamId, block));
      this.#write(frame(FRAME.data, FLAG.endStream, streamId, call.body));
    }
  }

  /** Everything written in one turn of the event loop is sent at once. */
  #write(bytes: Buffer): void {
    this.#outgoing.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(this.#outgoing));
      this.#outgoing = [];
    });
  }

  #receive(chunk: Buffer): void {
    for (const received of this.#reader.push(chunk)) this.#take(received);
    this.#sendWaiting();
  }

  #take({ type, flags, streamId, payload }: Frame): void {
    switch (type) {
      case FRAME.data:
        this.#takeData(flags, streamId, payload);
        return;
      case FRAME.headers:
        if ((flags & FLAG.endStream) !== 0) this.#finish(streamId);
        return;
      case FRAME.resetStream:
        this.#open.get(streamId)?.reject(new Error('the server reset the call'));
        this.#open.delete(streamId);
        return;
      case FRAME.settings:
        this.#takeSettings(flags, payload);
        return;
      case FRAME.ping:
        if ((flags & FLAG.ack) === 0) this.#write(frame(FRAME.ping, FLAG.ack, 0, payload));
        return;
      case FRAME.goAway:
        this.#end(new Error('the server sent GOAWAY'));
        return;
      case FRAME.windowUpdate:
        if (streamId === 0) this.#sendWindow += payload.readUInt32BE();
        return;
    }
  }

  #takeData(flags: number, streamId: number, payload: Buffer): void {
    const call = this.#open.get(streamId);
    if (call !== undefined) {
      call.received = call.received === undefined ? payload : Buffer.concat([call.received, payload]);
    }
    if ((flags & FLAG.endStream) !== 0) this.#finish(streamId);
  }

  #takeSettings(flags: number, payload: Buffer): void {
    if ((flags & FLAG.ack) !== 0) return;
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const isLimit = payload.readUInt16BE(at) === SETTING.maxConcurrentStreams;
      if (isLimit) this.#maxStreams = payload.readUInt32BE(at + 2);
    }
    this.#write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    this.#ready.resolve();
  }

  #finish(streamId: number): void {
    const call = this.#open.get(streamId);
    if (call === undefined) return;
    this.#open.delete(streamId);
    const message = call.received === undefined ? undefined : grpcMessage(call.received);
    if (message === undefined) call.reject(new Error('the call was refused: its answer holds no message'));
    else call.resolve(message);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#ready.reject(this.#ended);
    for (const call of [...this.#open.values(), ...this.#waiting]) call.reject(this.#ended);
    this.#open.clear();
    this.#waiting.length = 0;
    this.#socket.destroy();
  }
}
