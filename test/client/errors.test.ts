import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { latchkeyError } from '../../src/client/errors.ts';
import { connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { Failure } from '../../src/core/failure.ts';
import { ErrorInfo } from '../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../src/gen/google/rpc/status.ts';
import { FakeLatchkey } from '../support/fake-latchkey.ts';

/** The error of a call that ended with these bytes for details. */
function errorWith(details: Buffer): LatchkeyError {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', details);
  return latchkeyError(Object.assign(new Error(), { code: status.ABORTED, details: 'no', metadata }));
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

  test('tells code, reason, message and metadata', async () => {
    const metadata = { end_reason: 'REPLACED' };
    const error = await refusal(new Failure('SESSION_ENDED', 'Sign in again.', { metadata }));
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'SESSION_ENDED',
      message: 'Sign in again.',
      metadata,
      violations: [],
      retryAfterMs: undefined,
      isUnreachable: false,
      isUnavailable: false,
    });
  });

  test('names each field that is at fault', async () => {
    const violations = [{ field: 'device.name', description: 'must be at most 256 bytes' }];
    expect(await refusal(new Failure('INVALID_FIELD', 'Bad.', { violations }))).toMatchObject({ violations });
  });

  test('says when to come back', async () => {
    const error = await refusal(new Failure('LOGIN_QUEUE_FULL', 'Busy.', { retryAfterMs: 1_250 }));
    expect(error).toMatchObject({ retryAfterMs: 1_250, code: status.RESOURCE_EXHAUSTED });
  });

  test('is not unreachable when the service itself says that it is unavailable', async () => {
    const error = await refusal(new Failure('STORE_UNAVAILABLE', 'Try again.'));
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      isUnreachable: false,
      isUnavailable: true,
    });
  });
});

describe('the error of a call that something else answered', () => {
  test('keeps code and message when the details are no google.rpc.Status', () => {
    expect(errorWith(Buffer.from([0xff, 0xff, 0xff]))).toMatchObject({
      code: status.ABORTED,
      message: 'no',
      reason: undefined,
    });
  });

  test("does not take another domain's reason for one of latchkey", () => {
    const info = ErrorInfo.encode({ domain: 'mesh.example', reason: 'SESSION_ENDED', metadata: {} }).finish();
    const any = { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(info) };
    const bytes = Status.encode({ code: status.ABORTED, message: '', details: [any] }).finish();
    expect(errorWith(Buffer.from(bytes)).reason).toBeUndefined();
  });
});
