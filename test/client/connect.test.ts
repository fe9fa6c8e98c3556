import { inspect } from 'node:util';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

const plaintext = { kind: 'plaintext' } as const;

let fake: FakeLatchkey;
const clients: LatchkeyClient[] = [];

function open(...given: Parameters<typeof connect>): LatchkeyClient {
  const client = connect(...given);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  fake.close();
});

describe('a call', () => {
  beforeEach(async () => {
    fake = await FakeLatchkey.start();
  });

  test('returns a promise, and omitted fields are empty', async () => {
    const client = open(fake.address, { credentials: plaintext });
    const answer = await client.login(ADMIN);
    expect(answer.tokens?.refreshToken).toMatch(/^lkr_/);
    expect(fake.calls[0]?.request).toStrictEqual({
      ...ADMIN,
      clientId: '',
      device: undefined,
      deviceToken: '',
      origin: undefined,
      endSessionId: '',
      labels: {},
    });
  });

  test('to sign in at the session limit fails with the sessions to choose from, and names the choice', async () => {
    const seen = new Date(Date.UTC(2026, 0, 2));
    const phone = { sessionId: 'the-old-phone', deviceName: 'Phone', platform: 'iOS' };
    fake.sessionsAtLimit = [{ ...phone, createdAt: seen, lastSeenAt: seen }];
    const client = open(fake.address, { credentials: plaintext });
    const error = await client.login(ADMIN).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: 'SESSION_LIMIT_REACHED',
      sessions: [{ ...phone, createdAt: seen, lastSeenAt: seen }],
      isUnavailable: false,
    });
    fake.sessionsAtLimit = [];
    await client.login({ ...ADMIN, endSessionId: phone.sessionId });
    expect(fake.calls.at(-1)?.request).toMatchObject({ endSessionId: 'the-old-phone' });
  });

  test('carries the token that is current when the call is made', async () => {
    let token: string | undefined;
    const client = open(fake.address, { credentials: plaintext, token: () => token });
    await client.identity.logout({});
    token = (await client.login(ADMIN)).tokens?.accessToken;
    await client.users.listUsers({ pageSize: 10 });
    await client.identity.logout({}, { token: 'another' });
    expect(fake.calls.map(({ authorization }) => authorization)).toStrictEqual([
      undefined,
      undefined,
      `Bearer ${token}`,
      'Bearer another',
    ]);
  });

  test('has a deadline of five seconds by default', async () => {
    const client = open(fake.address, { credentials: plaintext });
    await client.identity.validate({ accessToken: 'a' });
    await client.identity.validate({ accessToken: 'a' }, { timeoutMs: 60_000 });
    const [byDefault = 0, asTold = 0] = fake.calls.map(({ timeLeftMs }) => timeLeftMs);
    expect(byDefault).toBeGreaterThan(2_000);
    expect(byDefault).toBeLessThanOrEqual(5_100);
    expect(asTold).toBeGreaterThan(50_000);
  });

  test('fails as unreachable if there is no answer in time', async () => {
    fake.silent.add('Validate');
    const client = open(fake.address, { credentials: plaintext, timeoutMs: 100 });
    const error = await client.identity.validate({}).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED, reason: undefined, isUnreachable: true });
  });

  test('fails as unreachable if nothing listens', async () => {
    const { address } = fake;
    fake.close();
    const error = await open(address, { credentials: plaintext })
      .identity.validate({})
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({ code: status.UNAVAILABLE, isUnreachable: true });
  });

  test('is cancelled by its signal, before and while it runs', async () => {
    fake.silent.add('Validate');
    const client = open(fake.address, { credentials: plaintext });
    const before = client.identity.validate({}, { signal: AbortSignal.abort() });
    await expect(before).rejects.toMatchObject({ code: status.CANCELLED });
    const controller = new AbortController();
    const during = client.identity.validate({}, { signal: controller.signal });
    controller.abort();
    await expect(during).rejects.toMatchObject({ code: status.CANCELLED });
  });

  test('fails with a LatchkeyError if the token function throws', async () => {
    const token = () => {
      throw new Error('the file of the token is gone');
    };
    const client = open(fake.address, { credentials: plaintext, token });
    await expect(client.identity.validate({})).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: status.INVALID_ARGUMENT,
      isUnsent: true,
    });
  });

  test('with a token that no header can carry fails like any other call', async () => {
    const client = open(fake.address, { credentials: plaintext, token: () => 'line\nbreak' });
    for (const options of [{}, { token: 'line\nbreak' }]) {
      const error = await client.identity.validate({}, options).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'LatchkeyError', code: status.INVALID_ARGUMENT });
      expect((error as Error).message).toMatch(
        /^Validate: The token contains a character that a header cannot carry/,
      );
      // The error must not contain the token.
      expect(inspect(error)).not.toContain('break"');
    }
  });
});

describe('the credentials', () => {
  const ca = makeCertificate('Test CA');
  const server = makeCertificate('localhost', ca);
  const own = makeCertificate('billing', ca);
  const pem = (text: string) => Buffer.from(text);

  beforeEach(async () => {
    const pair = { private_key: pem(server.privateKey), cert_chain: pem(server.certificate) };
    fake = await FakeLatchkey.start(ServerCredentials.createSsl(pem(ca.certificate), [pair], true));
  });

  test('mtls authenticates both sides', async () => {
    const credentials = {
      kind: 'mtls',
      ca: pem(ca.certificate),
      cert: pem(own.certificate),
      key: pem(own.privateKey),
    } as const;
    const answer = await open(fake.address, { credentials }).login(ADMIN);
    expect(answer.tokens).toBeDefined();
  });

  test('tls without a client certificate is refused by a server that requires one', async () => {
    const credentials = { kind: 'tls', ca: pem(ca.certificate) } as const;
    await expect(open(fake.address, { credentials }).identity.login(ADMIN)).rejects.toMatchObject({
      isUnreachable: true,
    });
    expect(fake.calls).toHaveLength(0);
  });

  test('default to tls with the known authorities, so another server gets no password', async () => {
    await expect(open(fake.address).identity.login(ADMIN)).rejects.toMatchObject({ isUnreachable: true });
    expect(fake.calls).toHaveLength(0);
  });
});
