import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SignedInResult } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import { type ChangePasswordRequest, SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import type { FrontAuth } from '../../src/grpc/interceptors/caller-auth.ts';
import { GrpcServer, type GrpcServerOptions } from '../../src/grpc/server.ts';
import { sessionService } from '../../src/grpc/session-service.ts';
import { NEW, OLD, PasswordWorld } from '../support/password-world.ts';
import { makeCertificate } from './support/certificates.ts';
import { testEnvironment } from './support/fakes.ts';
import { call } from './support/unary-call.ts';

let passwords: PasswordWorld;
let user: User;
let kept: SignedInResult;
let closers: (() => unknown)[];
let client: SessionServiceClient;

beforeEach(async () => {
  closers = [];
  passwords = await PasswordWorld.open();
  closers.push(() => passwords.close());
  user = await passwords.addUser({ roles: ['front', 'service'] });
  kept = await passwords.signIn(user, OLD);
  await passwords.world.settle();
  client = await serve('none');
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function serve(
  frontAuth: FrontAuth,
  tls?: GrpcServerOptions['tls'],
  channel = credentials.createInsecure(),
): Promise<SessionServiceClient> {
  const environment = testEnvironment();
  const { control, directory: users, history, tokens, watchers } = passwords.world;
  const core = { control, history, watchers, passwordChanges: passwords.changes, users };
  const server = new GrpcServer({
    ...{ address: '127.0.0.1:0', reflection: false, log: environment.log },
    services: [sessionService(core, { tokens, frontAuth }, environment)],
    ...(tls !== undefined && { tls }),
  });
  const address = await server.listen();
  closers.push(() => server.drain({ delayMs: 0, timeoutMs: 0 }));
  const opened = new SessionServiceClient(address, channel);
  closers.push(() => opened.close());
  return opened;
}

function change(
  given: Partial<ChangePasswordRequest> = {},
  { to = client, token = kept.tokens.accessToken } = {},
) {
  const request = { currentPassword: OLD, newPassword: NEW, origin: undefined, deviceToken: '', ...given };
  const metadata = token === '' ? {} : { authorization: `Bearer ${token}` };
  return call(to, to.changePassword, request, { metadata });
}

describe('ChangePassword', () => {
  test('says how many sessions ended, and at which revision, to a user of any role', async () => {
    const others = [await passwords.signIn(user, OLD), await passwords.signIn(user, OLD)];
    const { ok } = await change();
    expect(ok).toEqual({ endedCount: 2, revision: expect.stringMatching(/^\d+-\d+$/) });
    for (const { tokens } of others) {
      expect(await passwords.verdict(tokens.accessToken, ok?.revision)).toBe('PASSWORD_CHANGED');
    }
    expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
    expect((await change()).ok).toEqual({ endedCount: 0, revision: '' });
  });

  test('refuses a wrong current password, and the session goes on', async () => {
    const refused = await change({ currentPassword: 'not this one' });
    expect(refused).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'INVALID_CREDENTIALS' });
    expect((await change()).ok).toBeDefined();
  });

  test('states when to retry after too many wrong ones', async () => {
    for (let guess = 0; guess < 50; guess += 1) await change({ currentPassword: `guess ${guess}` });
    expect(await change()).toMatchObject({
      ...{ code: status.RESOURCE_EXHAUSTED, reason: 'TOO_MANY_ATTEMPTS', retryAfterMs: 1_000 },
    });
  });

  test.each<[string, Partial<ChangePasswordRequest>, string[]]>([
    ['a short new password', { newPassword: 'seven77' }, ['new_password']],
    ['a long new password', { newPassword: 'x'.repeat(3_000) }, ['new_password']],
    ['no passwords', { currentPassword: '', newPassword: '' }, ['new_password']],
    ['a common new password', { newPassword: 'password1' }, ['new_password']],
    ['the same password', { newPassword: OLD }, ['new_password']],
    ['a forged device token', { deviceToken: `lkd_${'A'.repeat(92)}` }, ['device_token']],
    [
      'an origin that is no address and a long device token',
      { origin: { ipAddress: '999.0.0.1' }, deviceToken: 'x'.repeat(513) },
      ['device_token', 'origin.ip_address'],
    ],
  ])('names the field of %s', async (_, given, fields) => {
    const refused = await change(given);
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, reason: 'INVALID_FIELD', fields });
    expect(await passwords.user(user)).toEqual(user);
  });

  test.each([
    ['without a token', '', 'CALLER_UNAUTHENTICATED'],
    ['with a token of nobody', 'a.b.c', 'CALLER_UNAUTHENTICATED'],
  ])('refuses a caller %s', async (_, token, reason) => {
    expect(await change({}, { token })).toMatchObject({ code: status.UNAUTHENTICATED, reason });
  });

  test.each<[FrontAuth, number, string]>([
    ['none', status.PERMISSION_DENIED, 'CALLER_FORBIDDEN'],
    ['mtls', status.UNAUTHENTICATED, 'CALLER_UNAUTHENTICATED'],
  ])('refuses an origin from others than fronts: %s', async (frontAuth, code, reason) => {
    const to = await serve(frontAuth);
    const origin = { ipAddress: '203.0.113.7' };
    expect(await change({ origin }, { to })).toMatchObject({ code, reason });
    expect(await passwords.user(user)).toEqual(user);
  });

  test('acts on the user of the token, not on the front that states the origin', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-change-password-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const file = (name: string, content: string) => {
      writeFileSync(path.join(folder, name), content);
      return path.join(folder, name);
    };
    const ca = makeCertificate('Test CA');
    const [server, front] = [makeCertificate('localhost', ca), makeCertificate('front', ca)];
    const tls = {
      certificate: file('tls.crt', server.certificate),
      privateKey: file('tls.key', server.privateKey),
      clientCa: file('ca.crt', ca.certificate),
    };
    const pems = [ca.certificate, front.privateKey, front.certificate].map((pem) => Buffer.from(pem));
    const to = await serve('mtls', tls, credentials.createSsl(...pems));
    const origin = { ipAddress: '203.0.113.7' };
    await change({ currentPassword: 'not this one', origin }, { to });
    expect((await change({ origin }, { to })).ok).toBeDefined();
    expect(passwords.world.events.of('PasswordChangeFailed')).toMatchObject([{ origin }]);
    expect(passwords.world.events.of('UserChanged')).toMatchObject([{ actor: { userId: user.userId } }]);
  });

  test('takes the origin that a front states, for the limit of its address', async () => {
    const to = await serve('token');
    const origin = { ipAddress: '203.0.113.7' };
    for (let guess = 0; guess < 10; guess += 1) await change({ currentPassword: `${guess}`, origin }, { to });
    expect(await change({ origin }, { to })).toMatchObject({ reason: 'TOO_MANY_ATTEMPTS' });
    expect((await change({ origin: { ipAddress: '198.51.100.1' } }, { to })).ok).toBeDefined();
    const [failed] = passwords.world.events.of('PasswordChangeFailed');
    expect(failed?.origin).toEqual({ ipAddress: '203.0.113.7', clientId: 'web' });
  });
});
