import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { identityService } from '../../src/grpc/identity-service.ts';
import { keyService } from '../../src/grpc/key-service.ts';
import { type UserCore, userService } from '../../src/grpc/user-service.ts';
import { validationService } from '../../src/grpc/validation-service.ts';
import { testEnvironment, validateByName } from './support/fakes.ts';
import { fakeCore, OPEN, type RunningServer, startIdentityServer } from './support/identity-server.ts';

const MODULES = path.resolve(import.meta.dirname, '../../node_modules');
const BUF = path.join(MODULES, '.bin/buf');
const REFLECTION_PROTO = path.join(MODULES, '@grpc/reflection/build/proto/grpc/reflection/v1');

let running: RunningServer;
beforeAll(async () => {
  const environment = testEnvironment();
  const callers = { validate: validateByName };
  const notCalled = async () => {
    throw new Failure('USER_NOT_FOUND', 'There is no such user.');
  };
  const users = { get: notCalled } as unknown as UserCore;
  const subscriptions = new RevocationSubscriptions(environment.clock);
  const keys = { list: () => [], reload: async () => {}, rotate: notCalled };
  running = await startIdentityServer(fakeCore().core, {
    services: [
      identityService(fakeCore().core, OPEN, environment),
      userService(users, callers, environment),
      keyService(keys, callers, environment),
      validationService(
        {
          keys: { currentPublicKeys: async () => [] },
          subscriptions,
          tokens: callers,
          issuer: '',
          audiences: [],
          maxTokenLifeMs: 0,
        },
        'open',
        environment,
      ),
    ],
    reflection: true,
  });
});
afterAll(() => running.close());

/** Runs buf's gRPC client, which knows our protos only through reflection. */
async function bufCurl(
  ...words: readonly string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(BUF, ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...words]);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, out, err };
}

const url = (rest: string) => `http://${running.address}${rest}`;

describe('reflection', () => {
  test.each(['grpc-v1', 'grpc-v1alpha'])('lists the services and their rpcs over %s', async (protocol) => {
    const services = await bufCurl('--reflect-protocol', protocol, '--list-services', url(''));
    expect(services.out.trim().split('\n').sort()).toEqual([
      'grpc.health.v1.Health',
      'latchkey.admin.v1.KeyService',
      'latchkey.admin.v1.UserService',
      'latchkey.v1.IdentityService',
      'latchkey.v1.ValidationService',
    ]);
    const rpcs = await bufCurl('--reflect-protocol', protocol, '--list-methods', url(''));
    expect(rpcs.out).toContain('latchkey.v1.IdentityService/BatchValidate');
    expect(rpcs.out).toContain('latchkey.v1.ValidationService/WatchRevocations');
  });

  test('resolves the imports of our messages', async () => {
    const request = '{"access_token": "service"}';
    const { code, out } = await bufCurl('-d', request, url('/latchkey.v1.IdentityService/Validate'));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      identity: { roles: ['service'], expiresAt: '2026-01-01T00:15:01Z' },
      asOf: '2026-01-01T00:00:05Z',
    });
  });

  test('resolves the field mask of a request', async () => {
    const request = '{"user_id": "x", "update_mask": "roles"}';
    const { code, err } = await bufCurl(
      ...['-H', 'authorization: Bearer admin', '-d', request],
      url('/latchkey.admin.v1.UserService/UpdateUser'),
    );
    expect(code).not.toBe(0);
    expect(JSON.parse(err)).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('user_id'),
      details: [{ type: 'google.rpc.ErrorInfo' }, { type: 'google.rpc.BadRequest' }],
    });
  });

  test.each(['ErrorInfo', 'BadRequest', 'RetryInfo', 'Status'])(
    'has the file of google.rpc.%s, which no rpc uses, and its imports',
    async (name) => {
      const { out } = await bufCurl(
        ...['--schema', REFLECTION_PROTO, '-d', `{"file_containing_symbol": "google.rpc.${name}"}`],
        url('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'),
      );
      const { fileDescriptorProto } = JSON.parse(out).fileDescriptorResponse;
      const files = fileDescriptorProto.map((file: string) => Buffer.from(file, 'base64').toString('latin1'));
      expect(files).toHaveLength(2);
      expect(files[0]).toContain(name);
      expect(files[1]).toMatch(/google\/protobuf\/(duration|any)\.proto/);
    },
  );

  test('serves health checks to a client without our proto files', async () => {
    const { out } = await bufCurl('-d', '{}', url('/grpc.health.v1.Health/Check'));
    expect(JSON.parse(out)).toEqual({ status: 'SERVING' });
  });
});
