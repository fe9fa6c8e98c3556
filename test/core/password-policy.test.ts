import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { COMMON_WORDS } from '../../src/core/password/common-words.ts';
import { checkNewPassword } from '../../src/core/password/password-policy.ts';
import { normalizedPassword } from '../../src/core/password/password-scheme.ts';

const refusal = expect.objectContaining({
  reason: 'INVALID_FIELD',
  violations: [expect.objectContaining({ field: 'password' })],
});

describe('a new password', () => {
  test.each([
    ['eight characters', 'kH7pq2Lw'],
    ['a sentence', 'mein hund mag keinen regen'],
    ['small letters only', 'vqxjzkwpfm'],
    ['64 characters', 'gjkv wq'.repeat(9).concat('z')],
    ['256 characters', 'gjkv wqx'.repeat(32)],
    ['signs only', '#\u20ac&\u00a7=?\u00a3%'],
    ['emoji only', '\u{1F40E}\u{1F50B}\u{1F4CE}\u2705\u{1F327}\u{1F389}\u{1F355}\u{1F680}'],
    ['another script', '\u0437\u0430\u043c\u043e\u043a\u0432\u0432\u043e\u0434\u0435'],
    ['three common words', 'dragonsunshinemonkey'],
    ['signs around one letter', '7!#%&/()=?'],
  ])('may be %s', (_, password) => {
    expect(() => checkNewPassword(password, 'password')).not.toThrow();
  });

  test.each([
    ['empty', ''],
    ['of seven characters', 'kH7pq2L'],
    ['of seven characters in fourteen code units', '\u{1F40E}'.repeat(7)],
    ['of eight characters that compose to four', 'e\u0301'.repeat(4)],
    ['of 257 characters', `${'gjkv wqx'.repeat(32)}z`],
    ['of megabytes', 'gjkv wqx'.repeat(500_000)],
    ['not well-formed', 'kH7pq2Lw\ud800'],
  ])('must not be %s', (_, password) => {
    expect(() => checkNewPassword(password, 'password')).toThrow(refusal);
  });

  test.each([
    'password',
    'Password1',
    'P@$$w0rd123',
    'Pa55w0rd!',
    'pass word',
    'iloveyou2',
    'Summer2026!',
    'monkeydragon',
    'PASSWORD12345678',
    '12345678',
    '87654321',
    '1234567890123456',
    'abcdefgh',
    'qwertyuiop',
    'qwertzuiop',
    'qwer1234',
    '1qaz2wsx',
    '!QAZ2wsx',
    'zaq12wsx',
    '1q2w3e4r',
    'qweasdzxc',
    '147258369',
    'aaaaaaaa',
    'abcabcabcab',
    '12121212',
    '19901225',
    '25.12.1990',
    '12/25/1990',
    'latchkey',
    'L@tchk3y2026',
    'yekhctal1',
    'admin@latchkey',
  ])('must not be %s, which is guessed first', (password) => {
    expect(() => checkNewPassword(password, 'password')).toThrow(refusal);
  });

  test.each([
    'alice-example',
    'Alice1990',
    '4l1c3!2026',
    'ecila12345',
    'alicealice',
    'Example.Com',
    'alice@example.com',
  ])('must not be %s, which contains the username', (password) => {
    expect(() => checkNewPassword(password, 'password', ['alice@example.com'])).toThrow(refusal);
  });

  test('is not repeated in the error', () => {
    expect(() => checkNewPassword('Summer2026!', 'password')).not.toThrow(/Summer2026/);
  });

  test('that is allowed can be checked at every login', () => {
    const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(anything, (password) => {
        try {
          checkNewPassword(password, 'password');
        } catch {
          return;
        }
        expect(normalizedPassword(password)).toBeDefined();
      }),
    );
  });
});

describe('the list of common words', () => {
  test('has words in the form in which they are looked up', () => {
    for (const word of COMMON_WORDS) expect(word).toBe(word.normalize('NFKC').toLowerCase());
  });

  test('has two thousand words, and enough that are as long as a password', () => {
    expect(COMMON_WORDS.size).toBeGreaterThan(2000);
    expect([...COMMON_WORDS].filter((word) => word.length >= 8).length).toBeGreaterThan(800);
  });
});
