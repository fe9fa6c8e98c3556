import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type ConnectOptions,
  connect,
  type LatchkeyClient,
  type Requirements,
  type Revocation,
} from '../../src/client/index.ts';
import type { BatchValidateResponse } from '../../src/gen/latchkey/v1/identity.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { claimsAt, TestKey } from '../support/test-keys.ts';

const SESSION = '019b7600-0000-7000-8000-00000000bbbb';
const OTHER_SESSION = '019b7600-0000-7000-8000-00000000dddd';

let key: TestKey;
let clock: ManualClock;
let service: FakeValidationService;
const clients: LatchkeyClient[] = [];

beforeAll(async () => {
  key = await TestKey.make('key-1');
});

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  service = await FakeValidationService.start(clock, [key]);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  service.close();
});

function open(options: ConnectOptions = {}): LatchkeyClient {
  const client = connect(service.address, { credentials: { kind: 'plaintext' }, clock, ...options });
  clients.push(client);
  return client;
}

async function openReady(options: ConnectOptions = {}): Promise<LatchkeyClient> {
  const client = open(options);
  await client.ready();
  return client;
}

/** The service's response for a valid token. */
const aYes = (): BatchValidateResponse => ({
  verdicts: [
    {
      verdict: {
        $case: 'identity',
        value: {
          userId: '01900000-0000-7000-8000-00000000aaaa',
          sessionId: SESSION,
          clientId: '',
          roles: [],
          authenticationMethods: [],
          authenticatedAt: undefined,
          issuedAt: undefined,
          expiresAt: undefined,
        },
      },
    },
  ],
  asOf: new Date(clock.now()),
  revision: '100-0',
});

const good = (given: Record<string, unknown> = {}) => key.sign(claimsAt(clock.now(), given));

describe('local validation', () => {
  test('accepts a valid token with its identity, without a call', async () => {
    const client = await openReady();
    const token = await good();
    const first = await client.validate(token);
    expect(first).toStrictEqual({
      kind: 'accepted',
      identity: {
        userId: '01900000-0000-7000-8000-00000000aaaa',
        sessionId: SESSION,
        clientId: 'web',
        roles: ['reader'],
        authenticationMethods: ['pwd'],
        authenticatedAt: expect.any(Date),
        issuedAt: expect.any(Date),
        expiresAt: expect.any(Date),
      },
      asOf: new Date(clock.now()),
      revision: '100-0',
    });
    const second = await client.validate(token);
    expect(second).toStrictEqual(first);
    expect(
      second.kind === 'accepted' && first.kind === 'accepted' && second.identity === first.identity,
    ).toBe(true);
    expect(service.batches).toHaveLength(0);
  });

  test('gives each caller an identity that no other caller can change', async () => {
    const client = await openReady();
    const validation = await client.validate(await good());
    if (validation.kind !== 'accepted') throw new Error('expected to be accepted');
    expect(() => (validation.identity.roles as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(validation.identity, { userId: 'other' })).toThrow(TypeError);
  });

  test('calls the service until the keys and the revocations are loaded', async () => {
    service.greet = () => undefined;
    const client = open();
    expect(await client.validate(await good())).toMatchObject({ reason: 'SESSION_ENDED' });
    await eventually(() => service.keyFetches > 0);
    expect(await client.validate(await good())).toMatchObject({ reason: 'SESSION_ENDED' });
    expect(service.batches).toHaveLength(2);
    await eventually(() => service.watches.length > 0);
    service.tellCurrent(service.lastWatch, { isStart: true });
    await client.ready();
    expect(await client.validate(await good())).toMatchObject({ kind: 'accepted' });
    expect(service.batches).toHaveLength(2);
  });

  test('calls the service for STRONG, for a later revision, and for a token from before the log', async () => {
    const client = await openReady();
    const token = await good();
    expect(await client.validate(token, { atLeastRevision: '100-0' })).toMatchObject({ kind: 'accepted' });
    expect(service.batches).toHaveLength(0);
    expect(await client.validate(token, { consistency: 'strong' })).toMatchObject({ kind: 'rejected' });
    expect(await client.validate(token, { atLeastRevision: '100-1' })).toMatchObject({ kind: 'rejected' });
    expect(service.batches).toMatchObject([{ consistency: 2 }, { atLeastRevision: '100-1' }]);
    service.coveredSince = clock.now();
    service.tellCurrent(service.lastWatch, { isStart: true });
    await eventually(async () => (await client.validate(token)).kind === 'rejected');
  });

  test('fails if the service cannot be called either, and never accepts', async () => {
    const client = await openReady();
    const token = await good();
    await client.validate(token);
    service.failAll(status.UNAVAILABLE);
    const strong = client.validate(token, { consistency: 'strong' });
    await expect(strong).rejects.toMatchObject({ name: 'LatchkeyError', code: status.UNAVAILABLE });
    clock.advance(5_001);
    await expect(client.validate(token)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  test('remembers that a session from before the log is live', async () => {
    service.coveredSince = clock.now() - 60_000;
    const client = await openReady({ maxStalenessMs: 600_000 });
    const token = await good({ iat: Math.floor(clock.now() / 1_000) - 120 });
    service.answer = () => aYes();
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    expect(service.batches).toHaveLength(1);
  });

  test('rejects if a revocation arrives while the service accepts', async () => {
    const client = await openReady();
    const token = await good();
    const asked = Promise.withResolvers<BatchValidateResponse>();
    service.answer = () => asked.promise;
    const received = new Promise((resolve) => client.onRevocation(resolve));
    const waiting = client.validate(token, { consistency: 'strong' });
    await eventually(() => service.batches.length === 1);
    service.tellCurrent(service.lastWatch, { revocations: [endOf(SESSION, clock.now())] });
    await received;
    asked.resolve(aYes());
    expect(await waiting).toMatchObject({
      kind: 'rejected',
      reason: 'SESSION_ENDED',
      endReason: 'LOGGED_OUT',
    });
  });

  test('shares one call for concurrent validations of one token, but not for STRONG', async () => {
    service.greet = () => undefined;
    const client = open();
    const token = await good();
    await Promise.all(Array.from({ length: 20 }, () => client.validate(token)));
    expect(service.batches.map(({ accessTokens }) => accessTokens.length)).toStrictEqual([1]);
    await Promise.all(Array.from({ length: 3 }, () => client.validate(token, { consistency: 'strong' })));
    expect(service.batches.map(({ accessTokens }) => accessTokens.length)).toStrictEqual([1, 3]);
  });

  test('does not share a call that has started: a revocation may come before its answer', async () => {
    service.greet = () => undefined;
    const asked = Promise.withResolvers<BatchValidateResponse>();
    service.answer = () => asked.promise;
    const client = open();
    const token = await good();
    const early = client.validate(token);
    await eventually(() => service.batches.length === 1);
    service.answer = ({ accessTokens }) => service.ended(accessTokens);
    expect(await client.validate(token)).toMatchObject({ reason: 'SESSION_ENDED' });
    asked.resolve(aYes());
    expect(await early).toMatchObject({ kind: 'accepted' });
  });

  test('an empty audience means that of the connection, not any audience', async () => {
    const token = await good({ aud: 'mail' });
    const local = await openReady({ audience: 'billing' });
    expect(await local.validate(token, { audience: '' })).toMatchObject({ reason: 'AUDIENCE' });
    await open({ mode: 'remote', audience: 'billing' }).validate(token, { audience: '' });
    expect(service.batches).toMatchObject([{ audience: 'billing' }]);
  });

  test('an invalid consistency is refused, and does not mean the default', async () => {
    const requirements = { consistency: 'STRONG' } as unknown as Requirements;
    await expect(open().validate('any', requirements)).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: status.INVALID_ARGUMENT,
    });
  });

  test('checks the audience of the connection, or the one that a call names', async () => {
    const client = await openReady({ audience: 'billing' });
    const token = await good({ aud: ['billing', 'mail'] });
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    expect(await client.validate(token, { audience: 'mail' })).toMatchObject({ kind: 'accepted' });
    expect(await client.validate(token, { audience: 'other' })).toMatchObject({ reason: 'AUDIENCE' });
  });

  test("rejects a token that has expired by the service's clock, even if the local clock is behind", async () => {
    const client = await openReady();
    const token = await good({ exp: Math.floor(clock.now() / 1_000) + 60 });
    expect(await client.validate(token)).toMatchObject({ kind: 'accepted' });
    service.lastWatch.send({
      revision: '100-0',
      freshness: {
        asOf: new Date(clock.now() + 61_000),
        asOfMonotonic: { seconds: 0, nanos: 0 },
        revision: '100-0',
      },
    });
    await eventually(() => (client.staleness.asOf?.getTime() ?? 0) > clock.now());
    expect(await client.validate(token)).toMatchObject({ reason: 'EXPIRED', nextStep: 'REFRESH' });
  });

  test('rejects a session as soon as its revocation arrives', async () => {
    const client = await openReady();
    const received: unknown[] = [];
    const stop = client.onRevocation((revocation) => received.push(revocation));
    const token = await good();
    await client.validate(token);
    const revocations = [endOf(SESSION, clock.now())];
    service.tellCurrent(service.lastWatch, { revocations });
    await eventually(() => received.length > 0);
    expect(received).toMatchObject([{ kind: 'session', sessionId: SESSION, reason: 'LOGGED_OUT' }]);
    expect(await client.validate(token)).toMatchObject({
      kind: 'rejected',
      reason: 'SESSION_ENDED',
      endReason: 'LOGGED_OUT',
      nextStep: 'LOGIN',
      asOf: new Date(clock.now()),
    });
    const stillHeard: Revocation[] = [];
    client.onRevocation((revocation) => stillHeard.push(revocation));
    stop();
    const others = [endOf(OTHER_SESSION, clock.now())];
    service.tellCurrent(service.lastWatch, { revocations: [...revocations, ...others], revision: '200-0' });
    await eventually(() => stillHeard.length > 0);
    expect(stillHeard).toMatchObject([{ sessionId: OTHER_SESSION }]);
    expect(received).toHaveLength(1);
  });

  test('stops waiting when the signal is aborted', async () => {
    service.greet = () => undefined;
    service.answer = () => new Promise(() => undefined);
    const client = open({ timeoutMs: 500 });
    const controller = new AbortController();
    const waiting = client.validate(await good(), { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: status.CANCELLED });
  });
});

describe('a client that is not ready', () => {
  test('reports the reason after the timeout', async () => {
    service.failures.set('GetSigningKeys', { code: status.PERMISSION_DENIED });
    const client = open();
    await expect(client.ready(150)).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: status.PERMISSION_DENIED,
    });
  });

  test('stops waiting when it is closed', async () => {
    service.greet = () => undefined;
    const client = open();
    const waiting = client.ready();
    const [outcome] = await Promise.allSettled([waiting, client.close()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: status.CANCELLED } });
  });
});

describe('closing', () => {
  test('lets calls in progress finish, refuses new ones, and ends the follower', async () => {
    const client = await openReady();
    const token = await good();
    const underWay = client.validate(token, { consistency: 'strong' });
    const closing = client.close();
    await expect(client.validate(token)).rejects.toMatchObject({ code: status.CANCELLED });
    await expect(client.logout({ accessToken: 'any' })).rejects.toMatchObject({ code: status.CANCELLED });
    expect(await underWay).toMatchObject({ kind: 'rejected' });
    await closing;
    await eventually(() => service.lastWatch.isCancelled);
  });
});
