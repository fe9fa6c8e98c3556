import { expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import { BadRequest, RetryInfo } from '../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../src/gen/google/rpc/status.ts';
import { statusOf } from '../../src/grpc/status-details.ts';

function detailsOf(failure: Failure) {
  const [bytes] = statusOf(failure).metadata.get('grpc-status-details-bin');
  return Status.decode(bytes as Buffer).details;
}

test('A status fits into header fields, however much is wrong', () => {
  const violations = Array.from({ length: 256 }, (_, n) => ({ field: `f[${n}]`, description: 'is wrong' }));
  const failure = new Failure('INVALID_FIELD', 'x'.repeat(100_000), { violations });
  const { details, metadata } = statusOf(failure);
  expect(details).toHaveLength(1_024);
  const [bytes] = metadata.get('grpc-status-details-bin');
  expect((bytes as Buffer).length).toBeLessThan(4_096);
  expect(BadRequest.decode(detailsOf(failure)[1]?.value ?? Buffer.alloc(0)).fieldViolations).toHaveLength(16);
});

test('A message with a lone surrogate can be sent', () => {
  expect(encodeURI(statusOf(new Failure('CANCELLED', 'half \ud800')).details)).toBe('half%20%EF%BF%BD');
});

test('A retry delay has seconds and nanoseconds', () => {
  const [, retry] = detailsOf(new Failure('LOGIN_QUEUE_FULL', 'Full.', { retryAfterMs: 1_250 }));
  expect(RetryInfo.decode(retry?.value ?? Buffer.alloc(0)).retryDelay).toEqual({
    seconds: 1,
    nanos: 250_000_000,
  });
});
