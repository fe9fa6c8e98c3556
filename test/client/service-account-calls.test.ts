import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

let fake: FakeLatchkey;
let client: LatchkeyClient;

beforeEach(async () => {
  fake = await FakeLatchkey.start();
  client = connect(fake.address, {
    credentials: { kind: 'plaintext' },
    mode: 'remote',
    serviceAccount: ADMIN,
  });
});

afterEach(async () => {
  fake.release();
  await client.close();
  fake.close();
});

test('a login of a user says if the password of the service account is wrong, not that of the user', async () => {
  const front = connect(fake.address, {
    credentials: { kind: 'plaintext' },
    mode: 'remote',
    serviceAccount: { ...ADMIN, password: 'not this one' },
  });
  try {
    await expect(front.login(ADMIN)).rejects.toMatchObject({
      method: 'Login',
      code: status.UNAUTHENTICATED,
      reason: 'CALLER_UNAUTHENTICATED',
      details: 'The service account could not sign in: Invalid username or password.',
      isUnsent: true,
      cause: expect.objectContaining({ reason: 'INVALID_CREDENTIALS' }),
    });
    expect(fake.rpcs).toEqual(['Login']);
  } finally {
    await front.close();
  }
});

describe('a call that waits for the sign-in of the service account', () => {
  beforeEach(() => {
    fake.silent.add('Login');
  });

  test('fails at its own deadline', async () => {
    await expect(client.identity.validate({}, { timeoutMs: 50 })).rejects.toMatchObject({
      method: 'Validate',
      code: status.DEADLINE_EXCEEDED,
      details: 'The service account did not sign in in time.',
      isUnsent: true,
    });
  });

  test('fails when it is cancelled', async () => {
    const controller = new AbortController();
    const call = client.identity.validate({}, { signal: controller.signal });
    await eventually(() => fake.rpcs.includes('Login'));
    controller.abort();
    await expect(call).rejects.toMatchObject({ method: 'Validate', code: status.CANCELLED });
  });

  test('starts no sign-in if it was cancelled before', async () => {
    const call = client.identity.validate({}, { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
    expect(fake.rpcs).toEqual([]);
  });

  test('does not end the sign-in for others when it fails', async () => {
    const patient = client.identity.validate({});
    await client.identity.validate({}, { timeoutMs: 50 }).catch(() => undefined);
    fake.release();
    await patient;
    expect(fake.rpcs).toEqual(['Login', 'Validate']);
  });
});
