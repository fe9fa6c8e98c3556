import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import { NO_PASSWORD } from '../../src/core/password/password-scheme.ts';
import { failureOf } from '../support/failing.ts';
import { idleQueue, passwordsWith as passwordsOf } from '../support/passwords.ts';
import { RecordingHasher } from '../support/recording-hasher.ts';

const OLD_KEY = Buffer.alloc(32, 1);
const NEW_KEY = Buffer.alloc(32, 2);
const COST = 6;
const PASSWORD = 'a horse of another colour';
const PLAIN_HASH = '$2b$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

function passwordsWith({ keys = [NEW_KEY], cost = COST, hasher = new RecordingHasher() } = {}) {
  const queue = idleQueue();
  return { hasher, queue, passwords: passwordsOf({ hasher, masterKeys: keys, cost, queue }) };
}

describe('checking a password', () => {
  test('accepts the one that was hashed and no other', async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.hash(PASSWORD);
    expect(await passwords.check(PASSWORD, stored)).toEqual({ ok: true, upgrade: false, readable: true });
    expect(await passwords.check(`${PASSWORD}!`, stored)).toEqual({
      ok: false,
      upgrade: false,
      readable: true,
    });
  });

  test('compares passwords after Unicode normalisation', async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.hash('pass\u00e9 compos\u00e9');
    expect(await passwords.check('passe\u0301 compose\u0301', stored)).toMatchObject({ ok: true });
  });

  test('distinguishes passwords that differ beyond 72 bytes', async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.hash(`${'x'.repeat(100)}a`);
    expect(await passwords.check(`${'x'.repeat(100)}b`, stored)).toMatchObject({ ok: false });
  });

  test('does not accept one lone surrogate for another', async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.hash('replacement \ufffd');
    expect(await passwords.check('replacement \ud800', stored)).toMatchObject({ ok: false });
    await expect(passwords.hash('replacement \ud800')).rejects.toMatchObject({ reason: 'INVALID_FIELD' });
  });

  test('accepts no password of a user without one, and reports no damage', async () => {
    const { passwords } = passwordsWith();
    for (const password of ['', PASSWORD]) {
      const refused = { ok: false, upgrade: false, readable: true };
      expect(await passwords.check(password, NO_PASSWORD)).toEqual(refused);
    }
  });

  test('fails like the hasher', async () => {
    const { passwords, hasher } = passwordsWith();
    hasher.failure = new Failure('INTERNAL', 'lost');
    await expect(passwords.check(PASSWORD, undefined)).rejects.toMatchObject({ reason: 'INTERNAL' });
  });
});

describe('the work of a check', () => {
  test.each([
    ['the right password', PASSWORD, 'peppered'],
    ['a wrong password', 'not this one', 'peppered'],
    ['no such user', PASSWORD, undefined],
    ['a user without a password', PASSWORD, NO_PASSWORD],
    ['an empty password', '', 'peppered'],
    ['an over-long password', 'x'.repeat(100_000), 'peppered'],
    ['an over-long password of an unknown user', 'x'.repeat(100_000), undefined],
    ['a lone surrogate', 'abcdefgh\udc00', 'peppered'],
    ['an imported hash of a lower cost', PASSWORD, PLAIN_HASH],
    ['a password too long for an imported hash', 'x'.repeat(73), PLAIN_HASH],
    ['a password with a NUL and an imported hash', 'before\0after', PLAIN_HASH],
    ['a damaged stored password', PASSWORD, `${PLAIN_HASH}\0junk`],
  ])('is one job with the work of the configured cost: %s', async (_, password, stored) => {
    const { passwords, hasher } = passwordsWith();
    const form = stored === 'peppered' ? await passwords.hash(PASSWORD) : stored;
    hasher.jobs.length = 0;
    await passwords.check(password, form);
    expect(hasher.jobs).toEqual([expect.objectContaining({ kind: 'verify', targetCost: COST })]);
    expect(hasher.jobs[0]?.input.length).toBeLessThanOrEqual(72);
  });

  test('for an unknown user is a comparison with a well-formed hash of the configured cost', async () => {
    const { passwords, hasher } = passwordsWith();
    await passwords.check(PASSWORD, undefined);
    expect(hasher.jobs).toEqual([
      expect.objectContaining({
        hash: expect.stringMatching(/^\$2b\$06\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}$/),
      }),
    ]);
  });

  test('for an unknown user never succeeds, whatever the comparison returns', async () => {
    const hasher = { hash: async () => '', verify: async () => true };
    const passwords = passwordsOf({ hasher, cost: COST });
    expect(await passwords.check(PASSWORD, undefined)).toMatchObject({ ok: false });
    expect(await passwords.check('', PLAIN_HASH)).toMatchObject({ ok: false });
    expect(await passwords.check('x'.repeat(73), PLAIN_HASH)).toMatchObject({ ok: false });
  });
});

describe('an outdated stored password', () => {
  test('with another cost is upgraded, in either direction', async () => {
    const { passwords, hasher } = passwordsWith();
    const stored = await passwords.hash(PASSWORD);
    for (const cost of [COST - 1, COST + 1]) {
      const { passwords: later } = passwordsWith({ cost, hasher });
      expect(await later.check(PASSWORD, stored)).toMatchObject({ ok: true, upgrade: true });
    }
  });

  test('with an older master key is checked and upgraded', async () => {
    const stored = await passwordsWith({ keys: [OLD_KEY] }).passwords.hash(PASSWORD);
    const { passwords } = passwordsWith({ keys: [NEW_KEY, OLD_KEY] });
    expect(await passwords.check(PASSWORD, stored)).toEqual({ ok: true, upgrade: true, readable: true });
    expect(await passwords.check('wrong', stored)).toMatchObject({ ok: false, upgrade: false });
  });

  test('with a missing master key is refused and reported as unreadable', async () => {
    const stored = await passwordsWith({ keys: [OLD_KEY] }).passwords.hash(PASSWORD);
    const { passwords } = passwordsWith();
    expect(await passwords.check(PASSWORD, stored)).toEqual({ ok: false, upgrade: false, readable: false });
  });
});

describe('hashing a password', () => {
  test("runs in the caller's turn in the queue", async () => {
    const { passwords, queue, hasher } = passwordsWith();
    queue.close();
    await expect(passwords.hash(PASSWORD)).rejects.toMatchObject({ reason: 'DRAINING' });
    expect(hasher.jobs).toEqual([]);
  });
});

describe('importing a bcrypt hash', () => {
  test('stores it until the next login upgrades it', async () => {
    const { passwords, hasher } = passwordsWith();
    const foreign = (await hasher.hash(PASSWORD, 5)).replace('$2b$', '$2y$');
    const stored = passwords.importHash(foreign);
    expect(stored).toBe(foreign.replace('$2y$', '$2b$'));
    expect(await passwords.check(PASSWORD, stored)).toEqual({ ok: true, upgrade: true, readable: true });
  });

  test.each([
    ['is none', 'not a hash'],
    ['is a password as latchkey stores it', `$lk1$0a1b2c3d${PLAIN_HASH}`],
    ['has a NUL and junk after it', `${PLAIN_HASH}\0junk`],
    ['is dearer than what unknown users cost', PLAIN_HASH.replace('$04$', '$07$')],
  ])('refuses one that %s', (_, hash) => {
    const { passwords } = passwordsWith();
    expect(() => passwords.importHash(hash)).toThrow(
      expect.objectContaining({
        reason: 'INVALID_FIELD',
        violations: [expect.objectContaining({ field: 'password_hash' })],
      }),
    );
  });

  test("names the accepted formats, which do not include latchkey's own", async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.hash(PASSWORD);
    const { message } = await failureOf(() => passwords.importHash(stored));
    expect(message).toBe(
      'password_hash: must be a bcrypt hash of another system: $2a$, $2b$ or $2y$, a cost of two digits, ' +
        '53 characters. What latchkey itself has stored ($lk1$) is not accepted',
    );
  });
});
