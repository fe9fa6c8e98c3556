import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryExternalFlowStore } from '../../src/adapters/memory/memory-external-flow-store.ts';
import { MemoryLoginAttempts } from '../../src/adapters/memory/memory-login-attempts.ts';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import { FLOW_TTL_MS } from '../../src/core/sign-in/external-flow.ts';
import { ExternalLogin } from '../../src/core/sign-in/external-login.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { newRandomId, newRandomSecret } from '../../src/core/sign-in/random-secrets.ts';
import { OPENING_MS } from '../../src/core/sign-in/reserved-sessions.ts';
import type { User } from '../../src/core/user/user.ts';
import { throttleOf } from '../support/attempts.ts';
import { ExternalWorld, GRACE, sessionRefOf } from '../support/external-world.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';

const NOWHERE = { ipAddress: '', clientId: '' };
const NEVER = new Promise<never>(() => undefined);

let external: ExternalWorld;
let ada: User;

beforeEach(async () => {
  external = await ExternalWorld.start();
  ada = external.world.addUser();
});

afterEach(() => external.world.close());

const link = (subject: string, user = ada) => {
  const account = { provider: 'acme', subject, displayName: '' };
  return external.identities.link(user.userId, account, { actor: ADMIN_ACTOR, origin: NOWHERE });
};

async function opened(work: ReturnType<ExternalWorld['complete']>): Promise<OpenedSession> {
  const outcome = await work;
  if (outcome.kind !== 'opened') throw new Error(outcome.kind);
  return outcome;
}

describe('a linked account', () => {
  beforeEach(() => link('sub-ada'));

  test('signs its user in, with the methods that the provider stated', async () => {
    const flow = await external.begin();
    expect(flow.authorizationUrl).toContain(`state=${flow.flowId}`);
    const { session, tokens } = await opened(
      external.complete(flow, external.acme.codeFor('sub-ada', ['otp'])),
    );
    expect(session).toMatchObject({
      userId: ada.userId,
      authenticationMethods: ['otp'],
      ipAddress: '192.0.2.7',
    });
    expect(tokens.accessToken).toMatch(/^ey/);
    expect(external.world.events.stored).toMatchObject([
      { kind: 'SignedIn', userId: ada.userId, opened: { methods: 'otp', provider: 'acme' } },
    ]);
    const identity = await external.directory.find({ provider: 'acme', subject: 'sub-ada' });
    expect(identity).toMatchObject({
      lastUsedAt: external.world.clock.now(),
      displayName: 'sub-ada the person',
    });
  });

  test('signs in once, and a repeat within the grace gets the tokens of the same session', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const first = await opened(external.complete(flow, code));
    external.world.clock.advance(GRACE);
    const second = await opened(external.complete(flow, code));
    expect(second.session.sessionId).toBe(first.session.sessionId);
    expect(external.acme.asked).toHaveLength(1);
    external.world.clock.advance(1);
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_OVER');
  });

  test('opens one session, however many browsers tabs come back at the same time', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => outcomeOf(external.complete(flow, code))),
    );
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'FLOW_IN_PROGRESS']));
    await opened(external.complete(flow, code));
    expect(await external.world.control.living(ada.userId)).toHaveLength(1);
  });

  test('can be completed again after its session was not opened, once no other call can be opening it', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const { risk } = external;
    external.risk = { ...risk, signIn: () => Promise.reject(storeUnavailable('audit', new Error('away'))) };
    expect(await outcomeOf(external.complete(flow, code))).toBe('STORE_UNAVAILABLE');
    external.risk = risk;
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_IN_PROGRESS');
    external.world.clock.advance(OPENING_MS);
    await opened(external.complete(flow, code));
    expect(external.acme.asked).toHaveLength(1);
  });

  test('can be completed with a session to end when the user is at the limit', async () => {
    external.world.changeUser(ada, { devicePolicy: { kind: 'limit', maxSessions: 1, atLimit: 'refuse' } });
    const { session } = await external.world.open(ada);
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const limit = await external.complete(flow, code);
    expect(limit).toMatchObject({ kind: 'session-limit', sessions: [{ sessionId: session.sessionId }] });
    external.world.clock.advance(2 * GRACE);
    const chosen = await opened(external.complete(flow, code, { endSessionId: session.sessionId }));
    expect(chosen.replaced).toMatchObject([{ sessionId: session.sessionId }]);
  });

  test('at the limit, sent twice at once with a session to end, opens one session', async () => {
    external.world.changeUser(ada, { devicePolicy: { kind: 'limit', maxSessions: 1, atLimit: 'refuse' } });
    const { session } = await external.world.open(ada);
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    await external.complete(flow, code);
    const choice = () => opened(external.complete(flow, code, { endSessionId: session.sessionId }));
    const [one, other] = await Promise.all([choice(), choice()]);
    expect(other.session.sessionId).toBe(one.session.sessionId);
  });

  test('signs nobody in while its user is disabled, and says no more than for an unknown account', async () => {
    external.world.changeUser(ada, { disabledAt: 1 });
    const disabled = await failureOf(
      external.complete(await external.begin(), external.acme.codeFor('sub-ada')),
    );
    const unknown = await failureOf(
      external.complete(await external.begin(), external.acme.codeFor('sub-eve')),
    );
    expect(disabled).toMatchObject({ reason: 'IDENTITY_NOT_LINKED', metadata: { provider: 'acme' } });
    expect([disabled.message, disabled.metadata]).toEqual([unknown.message, unknown.metadata]);
  });

  test('opens no session after all sessions of the user were ended', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const { signIn } = external.risk;
    external.risk = {
      ...external.risk,
      signIn: (...given) => {
        external.world.changeUser(ada, { securityVersion: 2 });
        return signIn(...given);
      },
    };
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_OVER');
    expect(await external.world.control.living(ada.userId)).toEqual([]);
  });

  test('is assessed like every sign-in', async () => {
    external.risk = {
      ...external.risk,
      signIn: async () => {
        throw new Failure('SIGN_IN_RISK', 'unusual');
      },
    };
    const flow = await external.begin();
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-ada')))).toBe('SIGN_IN_RISK');
    expect(external.world.events.of('SignInRefused')).toMatchObject([{ userId: ada.userId }]);
    expect(external.world.events.of('SignInFailed')).toEqual([]);
  });
});

describe('an unknown account', () => {
  test('is refused, whatever e-mail address it has, and the refusal is in the trail', async () => {
    const flow = await external.begin();
    const attempt = external.complete(flow, external.acme.codeFor(ada.username));
    expect(await outcomeOf(attempt)).toBe('IDENTITY_NOT_LINKED');
    expect(external.world.events.of('SignInFailed')).toMatchObject([
      {
        userId: undefined,
        reason: 'IDENTITY_NOT_LINKED',
        origin: { ipAddress: '192.0.2.7', clientId: 'web' },
      },
    ]);
  });

  test('creates a user without a password where the provider may', async () => {
    const back = { provider: 'open' };
    const first = await opened(
      external.complete(await external.begin('open'), external.open.codeFor('Sub'), back),
    );
    const user = external.world.users.get(first.session.userId);
    expect(user).toMatchObject({
      passwordHash: '',
      roles: ['guest'],
      username: expect.stringMatching(/^open-[0-9a-f]{32}$/),
    });
    const again = await opened(
      external.complete(await external.begin('open'), external.open.codeFor('Sub'), back),
    );
    expect(again.session.userId).toBe(first.session.userId);
    const other = await opened(
      external.complete(await external.begin('open'), external.open.codeFor('sub'), back),
    );
    expect(other.session.userId).not.toBe(first.session.userId);
    expect(external.world.events.of('UserChanged')).toHaveLength(2);
    expect(external.world.events.of('IdentityLinked')).toHaveLength(2);
  });
});

describe('linking while signed in', () => {
  let session: OpenedSession;
  beforeEach(async () => {
    session = await external.world.open(ada);
  });

  test('links the account to the user who began, and opens no session', async () => {
    const [flow, code] = [
      await external.begin('acme', sessionRefOf(session)),
      external.acme.codeFor('sub-ada'),
    ];
    const linked = { kind: 'linked', identity: { provider: 'acme', subject: 'sub-ada', userId: ada.userId } };
    expect(await external.complete(flow, code)).toMatchObject(linked);
    expect(await external.complete(flow, code)).toMatchObject(linked);
    expect(external.world.events.of('IdentityLinked')).toMatchObject([
      { userId: ada.userId, subject: 'sub-ada', actor: { kind: 'caller', ...sessionRefOf(session) } },
    ]);
    expect(await external.world.control.living(ada.userId)).toHaveLength(1);
    external.world.clock.advance(GRACE + 1);
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_OVER');
  });

  test('is refused if the account signs in another user', async () => {
    await link('sub-eve', external.world.addUser());
    const flow = await external.begin('acme', sessionRefOf(session));
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-eve')))).toBe('IDENTITY_TAKEN');
    expect(external.world.events.of('SignInFailed')).toEqual([]);
  });

  test('is refused once the session that began it has ended', async () => {
    const flow = await external.begin('acme', sessionRefOf(session));
    const { userId, sessionId } = session.session;
    await external.world.ender.end(userId, sessionId, 'LOGGED_OUT', ADMIN_ACTOR);
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-ada')))).toBe('SESSION_ENDED');
    expect(await external.identities.list(userId)).toEqual([]);
  });
});

describe('an attack fails:', () => {
  beforeEach(() => link('sub-ada'));

  test('a browser that did not begin the flow', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    const wrong = { ...flow, flowSecret: newRandomSecret() };
    const unknown = { ...flow, flowId: newRandomId() };
    const refusals = [
      await failureOf(external.complete(wrong, code)),
      await failureOf(external.complete(unknown, code)),
    ];
    expect(refusals[0]).toMatchObject({ reason: 'FLOW_NOT_FOUND' });
    expect(refusals[1]?.message).toBe(refusals[0]?.message);
    expect(external.acme.asked).toEqual([]);
    await opened(external.complete(flow, code));
  });

  test('an answer at the address of another provider, which ends the flow', async () => {
    const [flow, code] = [await external.begin('acme'), external.open.codeFor('sub-ada')];
    const atOther = { provider: 'open' };
    expect(await outcomeOf(external.complete(flow, code, atOther))).toBe('PROVIDER_ANSWER_INVALID');
    expect(external.open.asked).toEqual([]);
    expect(await outcomeOf(external.complete(flow, code, atOther))).toBe('FLOW_OVER');
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-ada')))).toBe('FLOW_OVER');
  });

  test('a second code for a flow that has failed', async () => {
    const flow = await external.begin();
    expect(await outcomeOf(external.complete(flow, 'stolen'))).toBe('PROVIDER_REFUSED');
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-ada')))).toBe('FLOW_OVER');
  });

  test('an account that is linked to another user while its flow goes on', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    await opened(external.complete(flow, code));
    const eve = external.world.addUser();
    const source = { actor: ADMIN_ACTOR, origin: NOWHERE };
    const key = { provider: 'acme', subject: 'sub-ada' };
    await external.identities.unlink(ada.userId, key, source, { keepOne: false });
    await link('sub-ada', eve);
    external.world.clock.advance(OPENING_MS);
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_OVER');
    expect(await external.world.control.living(eve.userId)).toEqual([]);
  });

  test('a flow that has expired', async () => {
    const flow = await external.begin();
    external.world.clock.advance(FLOW_TTL_MS);
    expect(await outcomeOf(external.complete(flow, external.acme.codeFor('sub-ada')))).toBe('FLOW_NOT_FOUND');
  });

  test('a device token that this service did not issue, before the flow is used', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    expect(await outcomeOf(external.complete(flow, code, { deviceToken: 'lkd_x' }))).toBe('INVALID_FIELD');
    await opened(external.complete(flow, code));
  });

  test('an unknown provider', async () => {
    expect(await outcomeOf(external.begin('nobody'))).toBe('PROVIDER_NOT_FOUND');
    const flow = await external.begin();
    expect(await outcomeOf(external.complete(flow, 'code', { provider: 'nobody' }))).toBe(
      'PROVIDER_NOT_FOUND',
    );
  });
});

test('flows that one address begins are limited, apart from its QR tickets', async () => {
  const clock = external.world.clock;
  const throttle = throttleOf(new MemoryLoginAttempts(loginLimits(2)), clock);
  const options = { providers: external.providers, flows: new MemoryExternalFlowStore(), throttle, clock };
  const login = new ExternalLogin(options);
  const begin = (network: string) =>
    outcomeOf(login.begin({ provider: 'acme', linkingSession: undefined, network, remainingMs: 1_000 }));
  const outcomes = [];
  for (let count = 0; count < 5; count += 1) outcomes.push(await begin('192.0.2.7'));
  expect(outcomes).toEqual(['ok', 'ok', 'ok', 'ok', 'TOO_MANY_ATTEMPTS']);
  expect(await begin('192.0.2.8')).toBe('ok');
  expect(await outcomeOf(throttle.reserveTicket('192.0.2.7'))).toBe('ok');
});

describe('a provider that hangs', () => {
  test('fails in time, takes its own places only, and slows nobody else', async () => {
    external.acme.pause = NEVER;
    const waiting = [outcomeOf(external.begin()), outcomeOf(external.begin())];
    expect(await outcomeOf(external.begin())).toBe('PROVIDER_UNAVAILABLE');
    await external.begin('open');
    expect(await Promise.all(waiting)).toEqual(['PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE']);
    // Its calls have not ended, so they keep their places.
    expect(await outcomeOf(external.begin())).toBe('PROVIDER_UNAVAILABLE');
  });

  test('ends the flow, because nobody knows whether the code was used', async () => {
    const [flow, code] = [await external.begin(), external.acme.codeFor('sub-ada')];
    external.acme.pause = NEVER;
    expect(await outcomeOf(external.complete(flow, code))).toBe('PROVIDER_UNAVAILABLE');
    expect(await outcomeOf(external.complete(flow, code))).toBe('FLOW_OVER');
  });

  test('is not asked if the caller leaves no time', async () => {
    const attempt = { provider: 'acme', linkingSession: undefined, network: '', remainingMs: 300 };
    expect(await outcomeOf(external.login.begin(attempt))).toBe('PROVIDER_UNAVAILABLE');
  });
});

test('an account is unlinked by its user only, and not as the last way in', async () => {
  await link('sub-ada');
  const source = { actor: ADMIN_ACTOR, origin: NOWHERE };
  const unlink = (userId: string, keepOne = true) =>
    outcomeOf(
      external.identities.unlink(userId, { provider: 'acme', subject: 'sub-ada' }, source, { keepOne }),
    );
  expect(await unlink(external.world.addUser().userId)).toBe('IDENTITY_NOT_FOUND');
  external.world.changeUser(ada, { passwordHash: '' });
  expect(await unlink(ada.userId)).toBe('LAST_SIGN_IN_METHOD');
  expect(await unlink(ada.userId, false)).toBe('ok');
  expect(external.world.events.of('IdentityUnlinked')).toMatchObject([{ userId: ada.userId }]);
});
