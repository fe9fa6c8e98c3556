import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { connect, type LatchkeyClient, type Requirements } from '../../src/client/index.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { AUDIENCE, claimsAt, TestKey } from '../support/test-keys.ts';
import { ValidatingServer } from '../support/validating-server.ts';

let key: TestKey;
let server: ValidatingServer;
let local: LatchkeyClient;
let remote: LatchkeyClient;

beforeAll(async () => {
  key = await TestKey.make('key-1');
  server = await ValidatingServer.start(key);
  // The clock stands still and the deadlines of calls do not: the timeout is that of the whole file.
  const options = {
    credentials: { kind: 'plaintext' },
    clock: server.world.clock,
    timeoutMs: 120_000,
  } as const;
  local = connect(server.address, options);
  remote = connect(server.address, { ...options, mode: 'remote' });
  await local.ready();
});

afterAll(async () => {
  await local.close();
  await remote.close();
  await server.close();
});

/** A token, and the revocations that the service must have for its verdict. */
interface Specimen {
  readonly token: string;
  readonly revision?: string;
}

async function makeSpecimen(kind: string, shift: number): Promise<Specimen> {
  const { world } = server;
  const user = world.addUser({ roles: ['reader', `role-${shift}`] });
  const { session, tokens } = await world.open(user);
  const seconds = Math.floor(world.clock.now() / 1_000);
  const claims = claimsAt(world.clock.now(), { sub: user.userId, sid: session.sessionId });
  switch (kind) {
    case 'good':
      return { token: tokens.accessToken };
    case 'ended':
      return {
        token: tokens.accessToken,
        ...(await world.sessions.logoutByRefreshToken(tokens.refreshToken)),
      };
    case 'all-ended':
      return {
        token: tokens.accessToken,
        ...(await world.ender.endUser(user.userId, 2, 'PASSWORD_CHANGED', ADMIN_ACTOR)),
      };
    case 'time':
      return { token: await key.sign({ ...claims, iat: seconds + shift, exp: seconds + shift + 900 }) };
    case 'audience':
      return { token: await key.sign({ ...claims, aud: shift > 0 ? ['mail', AUDIENCE] : 'mail' }) };
    default:
      return {
        token: `${tokens.accessToken.slice(0, 100 + Math.abs(shift))}A${tokens.accessToken.slice(101 + Math.abs(shift))}`,
      };
  }
}

describe('the two modes', () => {
  test('give the same verdict on every token', async () => {
    const kinds = fc.constantFrom('good', 'ended', 'all-ended', 'time', 'audience', 'changed');
    const requirementsAsked: fc.Arbitrary<Requirements> = fc.record(
      { consistency: fc.constantFrom('bounded', 'strong'), audience: fc.constantFrom('mail', AUDIENCE) },
      { requiredKeys: [] },
    );
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        kinds,
        fc.integer({ min: -1_000, max: 30 }),
        requirementsAsked,
        async (kind, shift, given) => {
          const { token, revision } = await makeSpecimen(kind, shift);
          const requirements = revision === undefined ? given : { ...given, atLeastRevision: revision };
          const here = await local.validate(token, requirements);
          const there = await remote.validate(token, requirements);
          const anew = await local.validate(token, requirements);
          seen.add(here.kind === 'accepted' ? here.kind : here.reason);
          const unknowing = { asOf: expect.any(Date), revision: expect.any(String) };
          expect({ ...here, ...unknowing }).toStrictEqual({ ...there, ...unknowing });
          expect({ ...anew, ...unknowing }).toStrictEqual({ ...there, ...unknowing });
        },
      ),
      // Random shifts rarely make a token expired.
      { numRuns: 300, examples: [['time', -1_000, {}]] },
    );
    for (const outcome of ['accepted', 'SESSION_ENDED', 'EXPIRED', 'AUDIENCE'])
      expect(seen).toContain(outcome);
  });

  test('call the service only if needed: not for a valid token or a known ended session', async () => {
    const { token, revision = '' } = await makeSpecimen('ended', 0);
    const hasRevision = async () =>
      (await local.validate(token, { atLeastRevision: revision })).revision === revision;
    expect(await hasRevision()).toBe(true);
    const { token: good } = await makeSpecimen('good', 0);
    const asked = () => server.calls.filter((call) => call.startsWith('BatchValidate')).length;
    await new Promise<void>((resolve) => {
      const stop = local.onRevocation(() => {
        stop();
        resolve();
      });
      void makeSpecimen('ended', 0);
    });
    const before = asked();
    expect(await local.validate(good)).toMatchObject({ kind: 'accepted' });
    expect(await local.validate(token)).toMatchObject({ reason: 'SESSION_ENDED', endReason: 'LOGGED_OUT' });
    expect(asked()).toBe(before);
  });
});
