import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient } from './support/raw-client.ts';

const good = frame(
  Buffer.from(
    ValidateRequest.encode({
      accessToken: 'good',
      consistency: 0,
      audience: '',
      atLeastRevision: '',
    }).finish(),
  ),
);

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

describe('headers that are costly to parse', () => {
  test('binary metadata is removed unparsed: the library creates an entry for every comma', async () => {
    const added = jest.spyOn(Metadata.prototype, 'add');
    const commas = ','.repeat(3_000);
    const headers = { 'x-bin': [commas, commas], 'y-bin': commas, 'x-note': 'text' };
    expect(await raw.send(good, headers)).toMatchObject({ grpcStatus: status.OK });
    const keys = added.mock.calls.map(([key]) => key);
    expect(keys).toContain('x-note');
    expect(keys.filter((key) => key.endsWith('-bin'))).toEqual([]);
  });

  test('a long grpc-timeout is removed unparsed: the library searches it many times', async () => {
    const matched = jest.spyOn(String.prototype, 'match');
    const timeout = ['1'.repeat(3_000), '1'.repeat(3_000)];
    expect(await raw.send(good, { 'grpc-timeout': timeout })).toMatchObject({
      grpcStatus: status.INVALID_ARGUMENT,
      detailed: true,
      message: '`grpc-timeout` is not valid.',
    });
    const lengths = matched.mock.contexts.map((searched) => String(searched).length);
    expect(Math.max(...lengths)).toBeLessThan(32);
  });
});
