import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { fastify } from 'fastify';
import { fastifyGuard } from '../../src/client/guard/fastify-guard.ts';
import { identityOf } from '../../src/client/guard/identity-of.ts';
import { testLatchkey } from '../../src/client/testing/index.ts';
import type { Revocation } from '../../src/client/transport/revocation.ts';

const T0 = Date.UTC(2026, 0, 1);
const unavailable = { name: 'LatchkeyError', code: status.UNAVAILABLE, isUnavailable: true };
const loggedOut = { kind: 'rejected', reason: 'SESSION_ENDED', endReason: 'LOGGED_OUT', nextStep: 'LOGIN' };

describe('a test latchkey', () => {
  test('signs a user in, whose token its client accepts', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId, userId } = await latchkey.signIn({ roles: ['admin'], clientId: 'web' });
    expect(await latchkey.client.validate(accessToken)).toStrictEqual({
      kind: 'accepted',
      identity: {
        userId,
        sessionId,
        clientId: 'web',
        roles: ['admin'],
        authenticationMethods: ['pwd'],
        authenticatedAt: new Date(T0),
        issuedAt: new Date(T0),
        expiresAt: new Date(T0 + 900_000),
      },
      asOf: new Date(T0),
      revision: '',
    });
  });

  test('freezes an identity, as the real client does', async () => {
    const latchkey = testLatchkey();
    const verdict = await latchkey.client.validate(
      (await latchkey.signIn({ roles: ['reader'] })).accessToken,
    );
    const roles = verdict.kind === 'accepted' ? verdict.identity.roles : [];
    expect(() => (roles as string[]).push('admin')).toThrow(TypeError);
  });

  test('lets tokens expire by its clock', async () => {
    const { client, clock, signIn } = bound(testLatchkey({ now: new Date('2030-05-01T12:00:00Z') }));
    const { accessToken } = await signIn();
    clock.advance(899_999);
    expect(await client.validate(accessToken)).toMatchObject({ kind: 'accepted' });
    clock.advance(1);
    expect(await client.validate(accessToken)).toMatchObject({ reason: 'EXPIRED', nextStep: 'REFRESH' });
    clock.set(new Date('2030-05-01T12:00:00Z'));
    expect(await client.validate(accessToken)).toMatchObject({ kind: 'accepted' });
  });

  test('rejects malformed tokens, tokens of another instance, and tokens for another audience', async () => {
    const latchkey = testLatchkey();
    const { accessToken: another } = await testLatchkey().signIn();
    const { accessToken: elsewhere } = await latchkey.signIn({ audience: 'elsewhere' });
    expect(await latchkey.client.validate('nonsense')).toMatchObject({ reason: 'MALFORMED' });
    expect(await latchkey.client.validate(another)).toMatchObject({ reason: 'SIGNATURE' });
    expect(await latchkey.client.validate(elsewhere)).toMatchObject({ reason: 'AUDIENCE' });
    expect(await latchkey.client.validate(elsewhere, { audience: 'elsewhere' })).toMatchObject({
      kind: 'accepted',
    });
  });

  test('ends a session at once, and calls the listeners', async () => {
    const latchkey = testLatchkey();
    const [first, second] = [await latchkey.signIn(), await latchkey.signIn()];
    const received: Revocation[] = [];
    const stop = latchkey.client.onRevocation((revocation) => received.push(revocation));
    latchkey.end(first.sessionId);
    stop();
    latchkey.end(second.sessionId, 'ENDED_BY_ADMIN');
    expect(await latchkey.client.validate(first.accessToken)).toMatchObject(loggedOut);
    expect(await latchkey.client.validate(second.accessToken)).toMatchObject({ endReason: 'ENDED_BY_ADMIN' });
    expect(received).toMatchObject([{ kind: 'session', sessionId: first.sessionId, userId: first.userId }]);
    expect(received).toMatchObject([{ endedAt: new Date(T0), expiresAt: expect.any(Date) }]);
  });

  test('ends every session of a user and none that is opened later', async () => {
    const { client, signIn, endUser } = bound(testLatchkey());
    const { accessToken, userId } = await signIn();
    endUser(userId);
    const later = await signIn({ userId });
    expect(await client.validate(accessToken)).toMatchObject({ endReason: 'USER_DISABLED' });
    expect(await client.validate(later.accessToken)).toMatchObject({ kind: 'accepted' });
    expect(await client.validate((await signIn()).accessToken)).toMatchObject({ kind: 'accepted' });
  });

  test('does not know the session of another', () => {
    expect(() => testLatchkey().end('019b7600-0000-7000-8000-00000000bbbb')).toThrow(/No session/);
  });
});

describe('a disconnected test latchkey', () => {
  test('misses revocations for five seconds, and then accepts no token', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId } = await latchkey.signIn();
    latchkey.disconnect();
    latchkey.end(sessionId);
    latchkey.clock.advance(5_000);
    expect(await latchkey.client.validate(accessToken)).toMatchObject({
      kind: 'accepted',
      asOf: new Date(T0),
    });
    latchkey.clock.advance(1);
    await expect(latchkey.client.validate(accessToken)).rejects.toMatchObject(unavailable);
    await expect(latchkey.client.ready()).rejects.toMatchObject(unavailable);
    expect(latchkey.client.staleness).toStrictEqual({ asOf: new Date(T0), ageMs: 5_001 });
  });

  test('gives no STRONG verdict, and none for an unknown revision', async () => {
    const { client, signIn, disconnect } = bound(testLatchkey());
    const { accessToken } = await signIn();
    expect(await client.validate(accessToken, { consistency: 'strong' })).toMatchObject({ kind: 'accepted' });
    disconnect();
    await expect(client.validate(accessToken, { consistency: 'strong' })).rejects.toMatchObject(unavailable);
    await expect(client.validate(accessToken, { atLeastRevision: '1-0' })).rejects.toMatchObject(unavailable);
  });

  test('receives the missed revocations when it is reconnected', async () => {
    const latchkey = testLatchkey();
    const { accessToken, sessionId } = await latchkey.signIn();
    const received: Revocation[] = [];
    latchkey.client.onRevocation((revocation) => received.push(revocation));
    latchkey.disconnect();
    latchkey.end(sessionId);
    expect(received).toStrictEqual([]);
    latchkey.clock.advance(60_000);
    latchkey.reconnect();
    expect(received).toHaveLength(1);
    expect(await latchkey.client.validate(accessToken)).toMatchObject(loggedOut);
    await latchkey.client.ready();
  });
});

test('a guarded application is tested without a service', async () => {
  const latchkey = testLatchkey();
  const { accessToken, sessionId, userId } = await latchkey.signIn();
  const app = fastify();
  await app.register(fastifyGuard(latchkey.client));
  app.get('/me', async (request) => identityOf(request).userId);
  const me = () => app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } });
  expect((await me()).body).toBe(userId);
  latchkey.end(sessionId);
  expect((await me()).statusCode).toBe(401);
  await app.close();
});

/** Its methods destructured, as a test may use them. */
function bound(latchkey: ReturnType<typeof testLatchkey>) {
  return {
    client: latchkey.client,
    clock: latchkey.clock,
    signIn: latchkey.signIn.bind(latchkey),
    endUser: latchkey.endUser.bind(latchkey),
    disconnect: latchkey.disconnect.bind(latchkey),
  };
}
