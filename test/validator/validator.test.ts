import { createHmac } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { KeySet } from '../../src/validator/key-set.ts';
import { TokenVerifier } from '../../src/validator/token-verifier.ts';
import { CLOCK_LEEWAY_MS, type RevocationCopy, Validator } from '../../src/validator/validator.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { AUDIENCE, claimsAt, ISSUER, TestKey } from '../support/test-keys.ts';
import { twinOf } from '../support/twin-signature.ts';

const BOUNDED: Requirements = { consistency: 'BOUNDED' };
const MAX_STALENESS = 5_000;

let key: TestKey;
let otherKey: TestKey;
let ecKey: TestKey;

beforeAll(async () => {
  key = await TestKey.make('key-1');
  otherKey = await TestKey.make('key-1');
  ecKey = await TestKey.make('key-ec', 'ES256');
});

class KnownRevocations implements RevocationCopy {
  ended: string | undefined;
  revision: string | undefined = '100-0';
  forgottenUntil = 0;
  asOf = 0;
  ageMs = 0;
  coveredSince = 0;
  endReasonOf(): string | undefined {
    return this.ended;
  }
}

describe('the validator', () => {
  let clock: ManualClock;
  let revocations: KnownRevocations;
  let published: TestKey[];
  let fetches: number;
  let validator: Validator;

  beforeEach(() => {
    clock = new ManualClock();
    revocations = new KnownRevocations();
    published = [key, ecKey];
    fetches = 0;
    const keys = new KeySet({
      fetch: async () => {
        fetches += 1;
        return published.map(({ publicJwk }) => publicJwk);
      },
      clock,
      minRefetchIntervalMs: 1_000,
    });
    validator = new Validator({
      verifier: new TokenVerifier(keys, 10),
      revocations,
      clock,
      issuer: ISSUER,
      audiences: [AUDIENCE],
      maxStalenessMs: MAX_STALENESS,
      maxTokenLifeMs: 900_000,
    });
  });

  const validate = async (token: string, requirements: Requirements = BOUNDED) =>
    validator.validate(token, requirements);
  const reasonOf = async (token: string, requirements: Requirements = BOUNDED) => {
    const { verdict } = await validate(token, requirements);
    return verdict?.kind === 'rejected' ? verdict.reason : verdict?.kind;
  };
  const good = (given: Record<string, unknown> = {}) => key.sign(claimsAt(clock.now(), given));

  test('accepts a valid token with its identity, synchronously the second time', async () => {
    const token = await good();
    const first = await validate(token);
    expect(first).toMatchObject({
      verdict: {
        kind: 'accepted',
        claims: {
          clientId: 'web',
          roles: ['reader'],
          issuedAt: clock.now(),
          expiresAt: clock.now() + 900_000,
        },
      },
      revision: '100-0',
    });
    const second = validator.validate(token, BOUNDED);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toEqual(first);
  });

  test('accepts ES256 as well, but only signatures with low s', async () => {
    for (let count = 0; count < 8; count += 1) {
      const token = await ecKey.sign(claimsAt(clock.now(), { jti: `token-${count}` }));
      expect(await reasonOf(twinOf(token))).toBe('SIGNATURE');
      expect(await reasonOf(token)).toBe('accepted');
      expect(await reasonOf(twinOf(token))).toBe('SIGNATURE');
    }
  });

  describe('form', () => {
    test('rejects every other spelling of a valid token', async () => {
      const token = await good();
      const [header = '', payload = '', signature = ''] = token.split('.');
      const last = signature.at(-1) ?? '';
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const looseBits = signature.slice(0, -1) + alphabet.charAt(alphabet.indexOf(last) + 1);
      const others = [
        `${token}=`,
        `${token}==`,
        ` ${token}`,
        `${token}\n`,
        `${header}. ${payload}.${signature}`,
        `${header}.${payload}.${looseBits}`,
        `${header}.${payload}.${signature}.`,
        `${header}.${payload}`,
        `${header}.${payload}.`,
        `.${payload}.${signature}`,
        token.replaceAll('-', '+').replaceAll('_', '/') === token
          ? `${token}+`
          : token.replaceAll('-', '+').replaceAll('_', '/'),
        '',
        '...',
        'x',
        `${header}.${payload}.${signature}${'A'.repeat(9_000)}`,
      ];
      for (const other of others) expect(await reasonOf(other)).toBe('MALFORMED');
      expect(await reasonOf(token)).toBe('accepted');
    });

    test('accepts the longest token that the service can issue: 32 roles of 64 characters', async () => {
      const roles = Array.from({ length: 32 }, (_, index) => `role-${index}-`.padEnd(64, 'x'));
      const token = await good({ roles, client_id: 'c'.repeat(64) });
      expect(token.length).toBeGreaterThan(3_000);
      expect(await reasonOf(token)).toBe('accepted');
      const longest = await good({ roles: ['x'.repeat(5_500)] });
      expect(longest.length).toBeGreaterThan(7_500);
      expect(await reasonOf(longest)).toBe('accepted');
    });

    test('rejects what is not an access token', async () => {
      for (const typ of ['JWT', 'id+jwt', 'dpop+jwt', undefined, 7]) {
        expect(await reasonOf(await key.sign(claimsAt(clock.now()), { typ: typ as string }))).toBe(
          'MALFORMED',
        );
      }
    });

    test('rejects missing claims and claims of a wrong type', async () => {
      const wrong: Record<string, unknown[]> = {
        iss: [undefined, '', 7, ['https://latchkey.test']],
        aud: [undefined, 7, [7], {}],
        sub: [undefined, '', 7],
        sid: [undefined, 'not-a-uuid', '019b7600-0000-4000-8000-00000000bbbb', 7],
        client_id: [undefined, 7],
        jti: [undefined, 7],
        roles: [undefined, 'admin', [['admin']]],
        amr: [undefined, 'pwd'],
        auth_time: [undefined, '1', -1, 1.5, 1e300],
        iat: [undefined, '1', Number.MAX_VALUE],
        exp: [undefined, '1', null],
      };
      for (const [claim, values] of Object.entries(wrong)) {
        for (const value of values) {
          const token = await good({ [claim]: value });
          expect([claim, value, await reasonOf(token)]).toEqual([claim, value, 'MALFORMED']);
        }
      }
    });
  });

  describe('signature', () => {
    const unsigned = (header: object, payload: object, signature = 'AAAA') =>
      [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
      `.${signature}`;

    test('rejects a token signed by another key with our key id', async () => {
      expect(await reasonOf(await otherKey.sign(claimsAt(clock.now())))).toBe('SIGNATURE');
    });

    test('rejects a changed payload', async () => {
      const [header = '', , signature = ''] = (await good()).split('.');
      const payload = Buffer.from(JSON.stringify(claimsAt(clock.now(), { roles: ['admin'] }))).toString(
        'base64url',
      );
      expect(await reasonOf(`${header}.${payload}.${signature}`)).toBe('SIGNATURE');
    });

    test('rejects "none", the public key used as an HMAC secret, and the algorithm of another key', async () => {
      const claims = claimsAt(clock.now());
      const typ = 'at+jwt';
      expect(await reasonOf(unsigned({ alg: 'none', kid: 'key-1', typ }, claims))).toBe('SIGNATURE');
      const body = unsigned({ alg: 'HS256', kid: 'key-1', typ }, claims, '').slice(0, -1);
      const secret = Buffer.from(key.publicJwk.x ?? '', 'base64url');
      const mac = createHmac('sha256', secret).update(body).digest('base64url');
      expect(await reasonOf(`${body}.${mac}`)).toBe('SIGNATURE');
      expect(await reasonOf(await ecKey.sign(claims, { kid: 'key-1' }))).toBe('SIGNATURE');
    });

    test('never uses a key from the token itself', async () => {
      const header = { jwk: otherKey.publicJwk, jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x' };
      expect(await reasonOf(await otherKey.sign(claimsAt(clock.now()), header))).toBe('SIGNATURE');
    });

    test('fetches an unknown key once, then not again for a while, however many tokens name one', async () => {
      published = [];
      const tokens = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          otherKey.sign(claimsAt(clock.now()), { kid: `made-up-${index}` }),
        ),
      );
      const reasons = await Promise.all(tokens.map((token) => reasonOf(token)));
      expect(new Set(reasons)).toEqual(new Set(['UNKNOWN_KEY']));
      expect(fetches).toBe(1);
      published = [key];
      expect(await reasonOf(await good())).toBe('UNKNOWN_KEY');
      clock.advance(1_000);
      expect(await reasonOf(await good())).toBe('accepted');
      expect(fetches).toBe(2);
    });

    test('rejects a cached token once its key is withdrawn', async () => {
      const token = await good();
      expect(await reasonOf(token)).toBe('accepted');
      published = [ecKey];
      clock.advance(1_000);
      await reasonOf(await otherKey.sign(claimsAt(clock.now()), { kid: 'other' }));
      expect(await reasonOf(token)).toBe('UNKNOWN_KEY');
    });
  });

  describe('claims', () => {
    test('rejects another issuer and another audience', async () => {
      expect(await reasonOf(await good({ iss: `${ISSUER}/` }))).toBe('ISSUER');
      expect(await reasonOf(await good({ aud: 'elsewhere' }))).toBe('AUDIENCE');
      expect(await reasonOf(await good({ aud: [] }))).toBe('AUDIENCE');
      expect(await reasonOf(await good({ aud: ['elsewhere', AUDIENCE] }))).toBe('accepted');
    });

    test('checks the audience that the caller names, also for a cached token', async () => {
      const token = await good({ aud: ['billing', AUDIENCE] });
      expect(await reasonOf(token)).toBe('accepted');
      expect(await reasonOf(token, { ...BOUNDED, audience: 'billing' })).toBe('accepted');
      expect(await reasonOf(token, { ...BOUNDED, audience: 'mail' })).toBe('AUDIENCE');
    });

    test('rejects a token at the instant it expires, with the next step REFRESH', async () => {
      const token = await good();
      clock.advance(899_999);
      expect(await reasonOf(token)).toBe('accepted');
      clock.advance(1);
      expect(await validate(token)).toMatchObject({
        verdict: { kind: 'rejected', reason: 'EXPIRED', nextStep: 'REFRESH' },
      });
    });

    test('does not accept a token for longer than the log keeps revocations', async () => {
      const token = await good({ exp: clock.now() / 1000 + 3_600 });
      clock.advance(899_999);
      expect(await reasonOf(token)).toBe('accepted');
      clock.advance(1);
      expect(await reasonOf(token)).toBe('EXPIRED');
    });

    test('allows for clock differences, but rejects a token from the future', async () => {
      const seconds = clock.now() / 1000;
      expect(await reasonOf(await good({ iat: seconds + CLOCK_LEEWAY_MS / 1000 }))).toBe('accepted');
      expect(await reasonOf(await good({ iat: seconds + CLOCK_LEEWAY_MS / 1000 + 1 }))).toBe('NOT_YET_VALID');
    });
  });

  describe('revocation and freshness', () => {
    test('rejects a session that has ended, with the reason', async () => {
      const token = await good();
      await validate(token);
      revocations.ended = 'LOGGED_OUT';
      expect(await validate(token)).toMatchObject({
        verdict: { reason: 'SESSION_ENDED', endReason: 'LOGGED_OUT', nextStep: 'LOGIN' },
      });
    });

    test('decides only what is certain if the log is staler than the bound', async () => {
      const token = await good();
      revocations.ageMs = MAX_STALENESS;
      expect(await reasonOf(token)).toBe('accepted');
      revocations.ageMs = MAX_STALENESS + 1;
      expect(await validate(token)).toMatchObject({ verdict: undefined, because: 'stale' });
      revocations.ended = 'REPLACED';
      expect(await reasonOf(token)).toBe('SESSION_ENDED');
      expect(await reasonOf('rubbish')).toBe('MALFORMED');
    });

    test('does not decide for a revision that it has not reached', async () => {
      const token = await good();
      expect(await reasonOf(token, { ...BOUNDED, atLeastRevision: '100-0' })).toBe('accepted');
      expect(await validate(token, { ...BOUNDED, atLeastRevision: '100-1' })).toMatchObject({
        because: 'behind',
      });
      revocations.revision = undefined;
      expect(await validate(token, { ...BOUNDED, atLeastRevision: '0-1' })).toMatchObject({
        because: 'behind',
      });
    });

    test('accepts a token from before the log only after its record was read', async () => {
      const token = await good();
      clock.advance(60_000);
      revocations.coveredSince = clock.now();
      const undecided = await validate(token);
      expect(undecided).toMatchObject({ because: 'not-covered' });
      if (undecided.verdict !== undefined) throw new Error('expected no verdict');
      clock.advance(CLOCK_LEEWAY_MS);
      validator.noteAlive(undecided.token, clock.now());
      expect(await reasonOf(token)).toBe('accepted');
    });

    test('decides STRONG only if the token is invalid in any case', async () => {
      const token = await good();
      const strong: Requirements = { consistency: 'STRONG' };
      expect(await validate(token, strong)).toMatchObject({ because: 'strong' });
      revocations.ended = 'REPLACED';
      expect(await reasonOf(token, strong)).toBe('SESSION_ENDED');
    });
  });

  test('keeps rejecting an expired token after the clock was set back, because its revocation may be forgotten', async () => {
    const token = await good();
    clock.advance(16 * 60_000);
    revocations.forgottenUntil = clock.now();
    clock.set(-5 * 60_000);
    expect(await reasonOf(token)).toBe('EXPIRED');
  });

  test('caches the most recently used tokens, at least as many as configured and at most twice as many', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 30 }, (_, index) => good({ jti: `token-${index}` })),
    );
    for (const token of tokens) await validate(token);
    const isRemembered = (token: string) => !(validator.validate(token, BOUNDED) instanceof Promise);
    expect(tokens.slice(-10).every(isRemembered)).toBe(true);
    expect(tokens.filter(isRemembered).length).toBeLessThanOrEqual(20);
  });

  test('drops no token while no more than the configured number are in use', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, index) => good({ jti: `token-${index}` })),
    );
    for (const token of tokens) await validate(token);
    for (let round = 0; round < 5; round += 1) {
      for (const token of tokens) expect(validator.validate(token, BOUNDED)).not.toBeInstanceOf(Promise);
    }
  });
});
