import zlib from 'node:zlib';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { connect } from '../../src/client/index.ts';
import { IdentityServiceClient, ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient } from './support/raw-client.ts';
import { call } from './support/unary-call.ts';

const request = { accessToken: 'good', consistency: 0, audience: '', atLeastRevision: '' } as const;
const message = Buffer.from(ValidateRequest.encode(request).finish());
/** The format that grpc-js calls gzip. */
const GZIP = 2;

let running: RunningServer;
let raw: RawClient;
beforeEach(async () => {
  running = await startIdentityServer();
  raw = new RawClient(running.address);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await raw.close();
  await running.close();
});

describe('a compressed request', () => {
  const paths = [
    '/latchkey.v1.IdentityService/Validate',
    '/latchkey.v1.IdentityService/BatchValidate',
    '/latchkey.v1.IdentityService/Login',
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
  ];

  test.each(paths)('is refused before it is decompressed: %s', async (path) => {
    const unpacked = [zlib.Gunzip, zlib.Inflate].map((kind) => jest.spyOn(kind.prototype, '_transform'));
    const bomb = Buffer.alloc(256 * 1024, '7a00', 'hex');
    const answers = [];
    for (const [encoding, bytes] of [
      ['gzip', zlib.gzipSync(bomb)],
      ['deflate', zlib.deflateSync(bomb)],
      ['snappy', message],
      ['identity, gzip', zlib.gzipSync(bomb)],
    ] as const) {
      const headers = { ':path': path, 'grpc-encoding': encoding, 'grpc-timeout': '5S' };
      answers.push(await raw.send(frame(bytes, 1), headers));
    }
    expect(unpacked.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
    const refused = expect.objectContaining({ grpcStatus: status.UNIMPLEMENTED, detailed: true });
    expect(answers).toEqual(answers.map(() => refused));
  });

  test('is refused with a message that states the remedy', async () => {
    const options = { 'grpc.default_compression_algorithm': GZIP };
    const client = new IdentityServiceClient(running.address, credentials.createInsecure(), options);
    expect(await call(client, client.validate, request)).toMatchObject({
      code: status.UNIMPLEMENTED,
      reason: 'COMPRESSION_UNSUPPORTED',
      message: expect.stringMatching(/grpc-encoding: gzip.*Turn off compression in the client/),
      metadata: { grpc_encoding: 'gzip' },
    });
    client.close();
  });

  test('is refused even if its message would fit uncompressed', async () => {
    expect(await raw.send(frame(message), { 'grpc-encoding': 'gzip' })).toMatchObject({
      grpcStatus: status.UNIMPLEMENTED,
    });
  });
});

test("This package's client sends its requests uncompressed", async () => {
  const client = connect(running.address, { mode: 'remote', credentials: { kind: 'plaintext' } });
  await expect(client.refresh({ refreshToken: 'lkr_x' })).resolves.toHaveProperty('session');
  await client.close();
});

describe('grpc-accept-encoding', () => {
  /** The value in the response headers of one call. */
  const acceptedBy = (headers: Record<string, string>): Promise<string | undefined> =>
    new Promise((resolve) => {
      const stream = raw.session.request({
        ':method': 'POST',
        ':path': '/latchkey.v1.IdentityService/Validate',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      stream.on('response', (answer) => resolve(answer['grpc-accept-encoding'] as string | undefined));
      stream.resume();
      stream.end(frame(message));
    });

  test('names only identity, in a successful and in a refused response', async () => {
    expect(await acceptedBy({})).toBe('identity');
    expect(await acceptedBy({ 'grpc-encoding': 'gzip' })).toBe('identity');
  });
});
