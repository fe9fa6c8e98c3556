import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { SERVER_LIMITS } from '../../src/grpc/server-limits.ts';
import { type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient, VALIDATE } from './support/raw-client.ts';

const good = Buffer.from(
  ValidateRequest.encode({ accessToken: 'good', consistency: 0, audience: '', atLeastRevision: '' }).finish(),
);

/** Field 1 (access_token) with these bytes. */
const tokenField = (bytes: Buffer) => Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes]);

let running: RunningServer;
let raw: RawClient;
beforeEach(async () => {
  running = await startIdentityServer();
  raw = new RawClient(running.address);
});
afterEach(async () => {
  await raw.close();
  await running.close();
});

async function expectStillServing(): Promise<void> {
  const fresh = new RawClient(running.address);
  expect(await fresh.send(frame(good))).toMatchObject({ grpcStatus: status.OK });
  await fresh.close();
}

describe('bytes that are not a call', () => {
  test.each([
    ['no message', Buffer.alloc(0), {}, status.INVALID_ARGUMENT],
    ['half a frame header', Buffer.from([0, 0, 0]), {}, status.INVALID_ARGUMENT],
    ['less body than the frame says', frame(good, 0, good.length + 9), {}, status.INVALID_ARGUMENT],
    ['two messages', Buffer.concat([frame(good), frame(good)]), {}, status.INVALID_ARGUMENT],
    ['a frame longer than is allowed', frame(good, 0, 0xffffffff), {}, status.RESOURCE_EXHAUSTED],
    ['a deadline that is none', frame(good), { 'grpc-timeout': 'soon' }, status.INVALID_ARGUMENT],
    ['garbage', frame(Buffer.from('ffffffffffffff', 'hex')), {}, status.INVALID_ARGUMENT],
    ['zeros', frame(Buffer.alloc(64)), {}, status.INVALID_ARGUMENT],
    ['a string longer than the message', frame(Buffer.from([0x0a, 0x7f, 0x61])), {}, status.INVALID_ARGUMENT],
    ['a varint without an end', frame(Buffer.alloc(32, 0x80)), {}, status.INVALID_ARGUMENT],
    ['text that is not UTF-8', frame(tokenField(Buffer.from('c328', 'hex'))), {}, status.INVALID_ARGUMENT],
    ['half a surrogate pair', frame(tokenField(Buffer.from('eda080', 'hex'))), {}, status.INVALID_ARGUMENT],
    ['an unknown enum value', frame(Buffer.from([0x10, 0x63])), {}, status.INVALID_ARGUMENT],
    ['groups within groups', frame(Buffer.alloc(10_000, 0x1b)), {}, status.INVALID_ARGUMENT],
  ] as const)('are refused as malformed: %s', async (_what, body, headers, expected) => {
    expect(await raw.send(body, headers)).toMatchObject({
      httpStatus: 200,
      grpcStatus: expected,
      detailed: true,
    });
    await expectStillServing();
  });

  test.each(['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch'])(
    "are refused by the library's own services too: %s",
    async (path) => {
      const garbage = frame(Buffer.from('0affffffff', 'hex'));
      expect(await raw.send(garbage, { ':path': path })).toMatchObject({
        grpcStatus: status.INVALID_ARGUMENT,
      });
      const halfPair = frame(tokenField(Buffer.from('eda080', 'hex')));
      const answer = await raw.send(halfPair, { ':path': path, 'grpc-timeout': '100m' });
      expect(answer.grpcStatus).not.toBe(status.INTERNAL);
      await expectStillServing();
    },
  );

  test('never cause INTERNAL, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const answer = await raw.send(frame(Buffer.from(bytes)));
        expect([status.OK, status.INVALID_ARGUMENT]).toContain(answer.grpcStatus);
      }),
      { numRuns: 300 },
    );
  });

  test.each([1, 2, 255])('with compression flag %i and no encoding are read as they are', async (flag) => {
    expect(await raw.send(frame(good, flag))).toMatchObject({ grpcStatus: status.OK });
    expect(await raw.send(frame(gzipSync(good), flag))).toMatchObject({
      grpcStatus: status.INVALID_ARGUMENT,
    });
  });

  test('end a connection that does not speak HTTP/2, and no other', async () => {
    const [host, port] = running.address.split(':');
    const socket = connect(Number(port), host);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.resume();
    socket.end(randomBytes(4_096));
    await closed;
    await expectStillServing();
  });
});

describe('invalid headers', () => {
  test.each([
    ['in a service there is', '/latchkey.v1.IdentityService/Nothing'],
    ['in a service there is not', '/nothing/Validate'],
    ['without a name', '/'],
    ['with bytes escaped', '/latchkey.v1.IdentityService/%ff%00'],
    ['named like what every object has', '/__proto__/constructor'],
    ['with a long name', `/${'x'.repeat(8_000)}`],
  ])('of an rpc that does not exist are UNIMPLEMENTED, without a reason: %s', async (_which, path) => {
    expect(await raw.send(frame(good), { ':path': path })).toMatchObject({
      grpcStatus: status.UNIMPLEMENTED,
      detailed: false,
    });
    await expectStillServing();
  });

  test('with another content type are not answered as gRPC', async () => {
    expect(await raw.send(frame(good), { 'content-type': 'application/json' })).toMatchObject({
      httpStatus: 415,
    });
    await expectStillServing();
  });

  test.each([
    ['binary that is not base64', { 'trace-bin': '!!!not base64!!!' }],
    ['text that is not ASCII', { 'x-note': 'caf\u00e9' }],
    ['an odd key', { '!#$': 'x' }],
    ['status details of its own', { 'grpc-status-details-bin': 'AAAA' }],
  ])('do no harm: %s', async (_what, headers) => {
    expect(await raw.send(frame(good), headers)).toMatchObject({ grpcStatus: status.OK });
    await expectStillServing();
  });

  test('that cannot be read are not printed, because they may contain a secret', async () => {
    await raw.send(frame(good), { authorization: 'Bearer s\u00e9cret' });
    expect(JSON.stringify(running.environment.log.lines)).toContain('authorization');
    expect(JSON.stringify(running.environment.log.lines)).not.toContain('cret');
  });

  test.each(['99999999H', '0n', '00000001n'])('may have any deadline: %s', async (timeout) => {
    const answer = await raw.send(frame(good), { 'grpc-timeout': timeout });
    expect([status.OK, status.DEADLINE_EXCEEDED]).toContain(answer.grpcStatus);
    await expectStillServing();
  });
});

test('A client learns its limit of concurrent calls, which is below a burst of resets that ends a connection', async () => {
  await raw.send(frame(good));
  expect(raw.session.remoteSettings.maxConcurrentStreams).toBe(200);
});

test('Incomplete requests of one connection cannot hold more memory than its buffers', () => {
  const streams = Number(SERVER_LIMITS['grpc.max_concurrent_streams']);
  const held = streams * Number(SERVER_LIMITS['grpc.max_receive_message_length']);
  expect(held).toBeLessThan(Number(SERVER_LIMITS['grpc-node.max_session_memory']) * 1024 * 1024);
});

describe('cancelled calls', () => {
  test('by the thousand do not stop the server', async () => {
    for (let connection = 0; connection < 4; connection += 1) {
      const client = new RawClient(running.address);
      await new Promise((resolve) => client.session.once('connect', resolve));
      for (let call = 0; call < 1_000 && !client.session.destroyed; call += 1) {
        const stream = client.session.request({
          ':method': 'POST',
          ':path': VALIDATE,
          'content-type': 'application/grpc',
        });
        stream.on('error', () => {});
        stream.write(frame(good).subarray(0, 4));
        stream.close(8);
      }
      await client.close();
    }
    await expectStillServing();
  });

  test('in the middle of their message do not stop the server', async () => {
    const client = new RawClient(running.address);
    const streams = Array.from({ length: 200 }, () => {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': VALIDATE,
        'content-type': 'application/grpc',
      });
      stream.on('error', () => {});
      stream.write(frame(good, 0, 1_000));
      return stream;
    });
    await new Promise((resolve) => streams.at(-1)?.once('ready', resolve));
    await client.close();
    await expectStillServing();
  });
});
