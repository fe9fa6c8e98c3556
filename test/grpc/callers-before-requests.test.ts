import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, jest, test } from '@jest/globals';
import { ListSigningKeysRequest } from '../../src/gen/latchkey/admin/v1/key.ts';
import { BatchValidateRequest, ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { GetSigningKeysRequest, WatchRevocationsRequest } from '../../src/gen/latchkey/v1/validation.ts';
import { keyService } from '../../src/grpc/key-service.ts';
import { rejected } from '../../src/validator/verdict.ts';
import { testEnvironment, validateByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient } from './support/raw-client.ts';
import { startValidationServer } from './support/validation-server.ts';

const keys = { list: () => [], reload: async () => {}, rotate: () => Promise.reject(new Error('unused')) };
/** Not a message of any type. */
const garbage = frame(Buffer.alloc(64));

let close: () => Promise<void>;
afterEach(async () => {
  jest.restoreAllMocks();
  await close();
});

async function open(running: RunningServer, closing: () => Promise<void>): Promise<RawClient> {
  const raw = new RawClient(running.address);
  close = async () => {
    await raw.close();
    await closing();
  };
  return raw;
}

async function refuses(raw: RawClient, path: string): Promise<void> {
  for (const headers of [{}, { authorization: 'Bearer stolen' }]) {
    expect(await raw.send(garbage, { ...headers, ':path': path })).toMatchObject({
      grpcStatus: status.UNAUTHENTICATED,
      detailed: true,
    });
  }
}

test.each(['token', 'mtls'] as const)(
  'The request of a refused caller is not decoded: %s',
  async (callerAuth) => {
    const decoded = [ValidateRequest, BatchValidateRequest].map((type) => jest.spyOn(type, 'decode'));
    const running = await startIdentityServer(fakeCore().core, { callerAuth });
    const raw = await open(running, () => running.close());
    await refuses(raw, '/latchkey.v1.IdentityService/Validate');
    await refuses(raw, '/latchkey.v1.IdentityService/BatchValidate');
    expect(decoded.map(({ mock }) => mock.calls)).toEqual([[], []]);
  },
);

test('The request of a refused caller of ValidationService is not decoded', async () => {
  const decoded = [GetSigningKeysRequest, WatchRevocationsRequest].map((type) => jest.spyOn(type, 'decode'));
  const validation = await startValidationServer({ callerAuth: 'token' });
  const raw = await open(validation.running, () => validation.close());
  await refuses(raw, '/latchkey.v1.ValidationService/GetSigningKeys');
  await refuses(raw, '/latchkey.v1.ValidationService/WatchRevocations');
  expect(decoded.map(({ mock }) => mock.calls)).toEqual([[], []]);
});

test('The request of a caller who is not an administrator is not decoded', async () => {
  const decoded = jest.spyOn(ListSigningKeysRequest, 'decode');
  const environment = testEnvironment();
  const services = [keyService(keys, { validate: validateByName }, environment)];
  const running = await startIdentityServer(fakeCore().core, { services });
  const raw = await open(running, () => running.close());
  const path = '/latchkey.admin.v1.KeyService/ListSigningKeys';
  await refuses(raw, path);
  expect(await raw.send(garbage, { ':path': path, authorization: 'Bearer service' })).toMatchObject({
    grpcStatus: status.PERMISSION_DENIED,
  });
  expect(decoded).not.toHaveBeenCalled();
  expect(environment.callMetrics.calls).toEqual([
    `ListSigningKeys ${status.UNAUTHENTICATED}`,
    `ListSigningKeys ${status.UNAUTHENTICATED}`,
    `ListSigningKeys ${status.PERMISSION_DENIED}`,
  ]);
});

test('A caller is authenticated when its request is complete, so no admitted call can be kept for later', async () => {
  let isAdmin = true;
  const validate = (token: string) =>
    isAdmin ? validateByName(token) : { ...validateByName(token), verdict: rejected('SESSION_ENDED') };
  const services = [keyService(keys, { validate }, testEnvironment())];
  const running = await startIdentityServer(fakeCore().core, { services });
  const raw = await open(running, () => running.close());
  const headers = { ':path': '/latchkey.admin.v1.KeyService/ListSigningKeys', authorization: 'Bearer admin' };
  expect(await raw.send(frame(Buffer.alloc(0)), headers)).toMatchObject({ grpcStatus: status.OK });

  const stream = raw.session.request({
    ...headers,
    ':method': 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.write(Buffer.alloc(4));
  // An answer on the same connection means that the headers of the earlier call have arrived.
  await raw.send(frame(Buffer.alloc(0)), headers);
  isAdmin = false;
  const answered = once(stream, 'response');
  stream.end(Buffer.alloc(1));
  const [answer] = await answered;
  expect(Number(answer['grpc-status'])).toBe(status.UNAUTHENTICATED);
  stream.resume();
});
