import { describe, expect, jest, test } from '@jest/globals';
import {
  adoptPlainBcrypt,
  formatPeppered,
  MAX_PASSWORD_BYTES,
  normalizedPassword,
  parseStoredPassword,
  pepperedInput,
  plainInput,
} from '../../src/core/password/password-scheme.ts';

const BCRYPT_HASH = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';
const PEPPER = Buffer.alloc(32, 7);

describe('the stored form of a password', () => {
  test('names the scheme, the master key and the cost', () => {
    expect(parseStoredPassword(formatPeppered('0badcafe', BCRYPT_HASH))).toEqual({
      scheme: 'peppered',
      masterKeyId: '0badcafe',
      bcryptHash: BCRYPT_HASH,
      cost: 10,
    });
  });

  test('of an imported password is the bcrypt hash itself', () => {
    expect(parseStoredPassword(BCRYPT_HASH)).toEqual({
      scheme: 'plain',
      masterKeyId: undefined,
      bcryptHash: BCRYPT_HASH,
      cost: 10,
    });
  });

  test.each([
    ['nothing', ''],
    ['text', 'secret'],
    ['a hash with a NUL and junk after it', `${BCRYPT_HASH}\0junk`],
    ['a hash with a line after it', `${BCRYPT_HASH}\n`],
    ['a hash that is cut', BCRYPT_HASH.slice(0, -1)],
    ['a hash with stray bits after the salt', BCRYPT_HASH.replace('MyeI', 'My1I')],
    ['a hash with stray bits at the end', `${BCRYPT_HASH.slice(0, -1)}z`],
    ['a cost under 4', BCRYPT_HASH.replace('$10$', '$03$')],
    ['a cost over 31', BCRYPT_HASH.replace('$10$', '$32$')],
    ['a variant that never was right', BCRYPT_HASH.replace('$2b$', '$2x$')],
    ['a master key id that is none', `$lk1$XYZ${BCRYPT_HASH}`],
    ['a scheme of the future', `$lk2$0badcafe${BCRYPT_HASH}`],
    ['a peppered hash with junk after it', `$lk1$0badcafe${BCRYPT_HASH}\0junk`],
  ])('cannot be %s', (_, stored) => {
    expect(parseStoredPassword(stored)).toBeUndefined();
  });
});

describe('a bcrypt hash of another system', () => {
  test('is rewritten to the prefix that the library knows', () => {
    expect(adoptPlainBcrypt(BCRYPT_HASH.replace('$2b$', '$2y$'))?.bcryptHash).toBe(BCRYPT_HASH);
  });

  test('of the older variant is not changed', () => {
    const older = BCRYPT_HASH.replace('$2b$', '$2a$');
    expect(adoptPlainBcrypt(older)?.bcryptHash).toBe(older);
  });
});

describe('the form in which a password is compared', () => {
  test('is the same for composed and decomposed letters', () => {
    expect(normalizedPassword('cafe\u0301 au lait')).toBe(normalizedPassword('caf\u00e9 au lait'));
  });

  test.each([
    ['empty', ''],
    ['over-long', 'x'.repeat(MAX_PASSWORD_BYTES + 1)],
    ['over-long in bytes', '\u20ac'.repeat(342)],
    ['of megabytes', 'x'.repeat(4_000_000)],
    ['a lone surrogate', 'abcdefgh\ud800'],
  ])('does not exist for a password that is %s', (_, password) => {
    expect(normalizedPassword(password)).toBeUndefined();
  });

  test('is limited by its length after normalisation', () => {
    const syllables = '\uac01'.repeat(256);
    expect(normalizedPassword(syllables.normalize('NFD'))).toBe(syllables);
  });

  test('is not computed if it cannot fit, because sorting marks takes quadratic time', () => {
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(normalizedPassword(`a${'\u0316\u0301'.repeat(1_535)}`)).toBeUndefined();
    const lengths = normalize.mock.contexts.map((text) => String(text).length);
    normalize.mockRestore();
    expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(1.5 * MAX_PASSWORD_BYTES);
  });

  test('has at least two thirds as many bytes as any other form has UTF-16 units', () => {
    const growths = [];
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += 1) {
      const character = String.fromCodePoint(codePoint);
      if (!character.isWellFormed()) continue;
      const units = Math.max(character.length, character.normalize('NFD').length);
      if (units > 1.5 * Buffer.byteLength(character.normalize('NFC'))) growths.push(codePoint);
    }
    expect(growths).toEqual([]);
  });
});

describe('the input of bcrypt', () => {
  test('is 64 characters of base64 for any password, so that nothing is truncated', () => {
    const input = pepperedInput(PEPPER, 'x'.repeat(MAX_PASSWORD_BYTES));
    expect(input).toMatch(/^[A-Za-z0-9+/]{64}$/);
  });

  test('depends on every character of a long password', () => {
    const long = 'x'.repeat(200);
    expect(pepperedInput(PEPPER, `${long}a`)).not.toBe(pepperedInput(PEPPER, `${long}b`));
  });

  test('depends on the pepper', () => {
    expect(pepperedInput(PEPPER, 'a password')).not.toBe(pepperedInput(Buffer.alloc(32, 8), 'a password'));
  });

  test('does not exist for a password that plain bcrypt would truncate', () => {
    expect(plainInput('x'.repeat(72))).toBe('x'.repeat(72));
    expect(plainInput('x'.repeat(73))).toBeUndefined();
    expect(plainInput('before\0after')).toBeUndefined();
  });
});
