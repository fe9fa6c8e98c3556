import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { latchkeyError } from '../../src/client/transport/errors.ts';
import { Failure } from '../../src/core/failure.ts';
import { ErrorInfo } from '../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../src/gen/google/rpc/status.ts';
import { FakeLatchkey } from '../support/fake-latchkey.ts';

/** The error of a call that ended with these bytes as details. */
function errorWith(details: Buffer): LatchkeyError {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', details);
  const error = Object.assign(new Error(), { code: status.ABORTED, details: 'no', metadata });
  return latchkeyError(error, { address: 'a:1', isTls: false });
}

describe('the error of a refused call', () => {
  let fake: FakeLatchkey;
  let client: LatchkeyClient;

  beforeEach(async () => {
    fake = await FakeLatchkey.start();
    client = connect(fake.address, { credentials: { kind: 'plaintext' } });
  });

  afterEach(async () => {
    await client.close();
    fake.close();
  });

  async function refusal(failure: Failure): Promise<unknown> {
    fake.failures.set('Refresh', failure);
    return client.identity.refresh({ refreshToken: 'lkr_x' }).catch((error: unknown) => error);
  }

  test('has code, reason, message and metadata', async () => {
    const metadata = { end_reason: 'REPLACED' };
    const error = await refusal(new Failure('SESSION_ENDED', 'Sign in again.', { metadata }));
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'SESSION_ENDED',
      method: 'Refresh',
      message: 'Refresh: Sign in again.',
      details: 'Sign in again.',
      metadata,
      violations: [],
      retryAfterMs: undefined,
      isUnreachable: false,
      isUnavailable: false,
    });
  });

  test('names each invalid field', async () => {
    const violations = [{ field: 'device.name', description: 'must be at most 256 bytes' }];
    expect(await refusal(new Failure('INVALID_FIELD', 'Bad.', { violations }))).toMatchObject({ violations });
  });

  test('states the retry delay', async () => {
    const error = await refusal(new Failure('LOGIN_QUEUE_FULL', 'Busy.', { retryAfterMs: 1_250 }));
    expect(error).toMatchObject({ retryAfterMs: 1_250, code: status.RESOURCE_EXHAUSTED });
  });

  test('is not unreachable if the service itself answers UNAVAILABLE', async () => {
    const error = await refusal(new Failure('STORE_UNAVAILABLE', 'Try again.'));
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      isUnreachable: false,
      isUnavailable: true,
    });
  });
});

describe('the error of a call that was not answered by latchkey', () => {
  test('keeps code and message if the details are not a google.rpc.Status', () => {
    expect(errorWith(Buffer.from([0xff, 0xff, 0xff]))).toMatchObject({
      code: status.ABORTED,
      message: 'no',
      reason: undefined,
    });
  });

  test('does not accept a reason of another domain as one of latchkey', () => {
    const info = ErrorInfo.encode({ domain: 'mesh.example', reason: 'SESSION_ENDED', metadata: {} }).finish();
    const any = { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(info) };
    const bytes = Status.encode({ code: status.ABORTED, message: '', details: [any] }).finish();
    expect(errorWith(Buffer.from(bytes)).reason).toBeUndefined();
  });
});

describe('the error of a call without an answer', () => {
  test.each([
    ['upstream connect error', 'upstream connect error'],
    ['Deadline exceeded after 15s', 'Deadline exceeded after 15s'],
    ['Deadline exceeded after 1.502s,LB pick: 0.001s,remote_addr=a:1', 'Deadline exceeded after 1.502s'],
    // The connection was open, so TLS is not the cause.
    ['read ECONNRESET', 'read ECONNRESET'],
  ])("contains the transport's message if the cause is unknown: %s", (details, reason) => {
    const status14 = { code: status.UNAVAILABLE, details, metadata: new Metadata() };
    const error = latchkeyError(Object.assign(new Error(), status14), { address: 'a:1', isTls: false });
    expect(error.connectionFault).toStrictEqual({ kind: 'OTHER', reason, remedy: undefined });
    expect(error.details).toBe(`no answer from latchkey at a:1: ${reason}.`);
  });
});
