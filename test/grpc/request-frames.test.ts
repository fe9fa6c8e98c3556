import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { identityService } from '../../src/grpc/identity-service.ts';
import { keyService } from '../../src/grpc/key-service.ts';
import type { GrpcServerOptions } from '../../src/grpc/server.ts';
import { testEnvironment, validateByName } from './support/fakes.ts';
import { fakeCore, OPEN, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient, VALIDATE } from './support/raw-client.ts';

const KIB = 1024;
const BATCH_VALIDATE = '/latchkey.v1.IdentityService/BatchValidate';
const LIST_KEYS = '/latchkey.admin.v1.KeyService/ListSigningKeys';
const good = Buffer.from(
  ValidateRequest.encode({ accessToken: 'good', consistency: 0, audience: '', atLeastRevision: '' }).finish(),
);

let running: RunningServer;
let raw: RawClient;
afterEach(async () => {
  await raw.close();
  await running.close();
});

async function start(options: Partial<GrpcServerOptions> = {}): Promise<void> {
  const environment = testEnvironment();
  const keys = { list: () => [], reload: async () => {}, rotate: () => Promise.reject(new Error('unused')) };
  const services = [
    identityService(fakeCore().core, OPEN, environment),
    keyService(keys, { validate: validateByName }, environment),
  ];
  running = await startIdentityServer(fakeCore().core, { services, ...options });
  raw = new RawClient(running.address);
}

describe('the message of a call', () => {
  test.each([
    [VALIDATE, 16 * KIB],
    ['/latchkey.v1.IdentityService/Login', 16 * KIB],
    [LIST_KEYS, 16 * KIB],
    [BATCH_VALIDATE, 272 * KIB],
    ['/grpc.health.v1.Health/Check', 4 * KIB],
    ['/grpc.health.v1.Health/Watch', 4 * KIB],
  ])('is refused by the length in its first five bytes, before the rest arrives: %s', async (path, limit) => {
    await start();
    const headers = { ':path': path, 'grpc-timeout': '5S' };
    expect(await raw.send(frame(Buffer.alloc(0), 0, limit + 1), headers)).toMatchObject({
      grpcStatus: status.RESOURCE_EXHAUSTED,
      detailed: true,
      message: expect.stringContaining(`at most ${limit} bytes; this one has ${limit + 1}`),
    });
    const within = await raw.send(frame(Buffer.alloc(limit, '7a00', 'hex')), headers);
    expect(within.message).not.toContain('bytes');
  });

  test('may arrive in pieces of any size', async () => {
    await start();
    const bytes = frame(good);
    for (const size of [1, 2, 4, 5, 6, bytes.length - 1]) {
      expect(await raw.sendInPieces(bytes, size)).toMatchObject({ grpcStatus: status.OK });
    }
    const over = frame(Buffer.alloc(0), 0, 16 * KIB + 1);
    expect(await raw.sendInPieces(over, 1)).toMatchObject({ grpcStatus: status.RESOURCE_EXHAUSTED });
  });

  test('must be the only one: of thousands in one call none is decoded', async () => {
    const registration = identityService(fakeCore().core, OPEN, testEnvironment());
    let decoded = 0;
    const validate = {
      ...registration.definition['validate'],
      requestDeserialize: (bytes: Buffer) => {
        decoded += 1;
        return bytes;
      },
    };
    const definition = { ...registration.definition, validate } as typeof registration.definition;
    await start({ services: [{ ...registration, definition }] });
    expect(await raw.send(Buffer.alloc(5 * 3_000))).toMatchObject({
      grpcStatus: status.INVALID_ARGUMENT,
      detailed: true,
      message: 'The call has more than one request message.',
    });
    expect(decoded).toBe(0);
  });

  test('may be one of a hundred in a streaming call, as with reflection', async () => {
    await start({ reflection: true });
    const headers = { ':path': '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo' };
    expect(await raw.send(Buffer.alloc(5 * 100), headers)).toMatchObject({ grpcStatus: status.OK });
    expect(await raw.send(Buffer.alloc(5 * 101), headers)).toMatchObject({
      grpcStatus: status.RESOURCE_EXHAUSTED,
      detailed: true,
      message:
        'A call of ServerReflectionInfo accepts at most 100 request messages; send the rest in another call.',
    });
  });

  test('must be the only one, even if the second arrives late', async () => {
    await start();
    const two = Buffer.concat([frame(good), frame(good)]);
    for (const size of [1, frame(good).length]) {
      expect(await raw.sendInPieces(two, size)).toMatchObject({ grpcStatus: status.INVALID_ARGUMENT });
    }
  });
});
