import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GrpcConnection } from '../../scripts/http2/connection.ts';
import { FrameReader, frame, grpcFrame, grpcMessage } from '../../scripts/http2/frames.ts';

describe('frames', () => {
  test('are parsed the same for any split of the bytes', () => {
    const bytes = Buffer.concat([frame(0, 1, 5, Buffer.from('abc')), frame(1, 4, 7, Buffer.alloc(0))]);
    const reader = new FrameReader();
    const frames = [...bytes].flatMap((byte) => [...reader.push(Buffer.from([byte]))]);
    expect(frames).toEqual([...new FrameReader().push(bytes)]);
    expect(frames.map(({ streamId, payload }) => [streamId, payload.toString()])).toEqual([
      [5, 'abc'],
      [7, ''],
    ]);
  });

  test('a gRPC message is accepted only if it is complete', () => {
    const whole = grpcFrame(Buffer.from('message'));
    expect(grpcMessage(whole)?.toString()).toBe('message');
    expect(grpcMessage(whole.subarray(0, -1))).toBeUndefined();
    expect(grpcMessage(Buffer.concat([whole, whole]))).toBeUndefined();
  });
});

describe('the bare HTTP/2 connection, against a server of Node', () => {
  let server: Http2Server;
  let port: number;
  let connection: GrpcConnection;
  const seen: { path: unknown; contentType: unknown; te: unknown }[] = [];

  beforeEach(async () => {
    seen.length = 0;
    server = createServer({ settings: { maxConcurrentStreams: 8 } });
    server.on('stream', (stream, headers) => {
      const { ':path': path, 'content-type': contentType, te } = headers;
      seen.push({ path, contentType, te });
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const body = Buffer.concat(chunks);
        if (body.includes('refuse')) {
          stream.respond({ ':status': 200, 'grpc-status': '3' }, { endStream: true });
          return;
        }
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    connection = await GrpcConnection.open(port, '/pkg.Service/Method');
  });

  afterEach(async () => {
    await connection.close();
    server.close();
    await once(server, 'close');
  });

  test('gives every call its own answer, beyond the first window and the stream limit', async () => {
    const bodies = Array.from({ length: 200 }, (_, index) => `${index} `.repeat(400));
    const answers = await Promise.all(bodies.map((body) => connection.ask(grpcFrame(Buffer.from(body)))));
    expect(answers.map(String)).toEqual(bodies);
  });

  test('sends the method in the first request as in all later ones', async () => {
    for (const body of ['one', 'two', 'three']) await connection.ask(grpcFrame(Buffer.from(body)));
    const expected = { path: '/pkg.Service/Method', contentType: 'application/grpc', te: 'trailers' };
    expect(seen).toEqual([expected, expected, expected]);
  });

  test('a refusal is no answer, and does not affect concurrent calls', async () => {
    const [refused, answered] = await Promise.allSettled([
      connection.ask(grpcFrame(Buffer.from('refuse me'))),
      connection.ask(grpcFrame(Buffer.from('hello'))),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { message: /refused/ } });
    expect(answered).toMatchObject({ status: 'fulfilled' });
  });

  test('calls fail when the connection closes', async () => {
    const call = connection.ask(grpcFrame(Buffer.from('hello')));
    await Promise.all([expect(call).rejects.toThrow('the connection was closed'), connection.close()]);
    await expect(connection.ask(grpcFrame(Buffer.from('hello')))).rejects.toThrow(
      'the connection was closed',
    );
  });
});
