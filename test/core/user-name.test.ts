import { describe, expect, test } from '@jest/globals';
import { checkRoles, distinctRoles } from '../../src/core/user/roles.ts';
import { canonicalUsername, checkUsername } from '../../src/core/user/username.ts';
import { failureOf } from '../support/failing.ts';

const MAX_CODE_POINT = 0x10ffff;

describe('a username', () => {
  test.each([
    ['ada', 'Ada', 'ADA', 'ａｄａ'],
    ['straße', 'STRASSE', 'strasse', 'STRAẞE'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος', 'σίσυφοσ'],
    ['ﬁnn', 'FINN'],
    ['jose\u0301', 'josé', 'JOSÉ'],
    ['K', '\u212a', 'k'],
  ])('is the same in another case or form: %s', (...spellings) => {
    expect(new Set(spellings.map(canonicalUsername)).size).toBe(1);
  });

  test('is another with another letter', () => {
    expect(new Set(['ada', 'adа', 'ada1', 'a.da', 'ädä'].map(canonicalUsername)).size).toBe(5);
  });

  test('has one canonical form, whatever the character: applying it again changes nothing', () => {
    const unsettled: string[] = [];
    for (let codePoint = 0; codePoint <= MAX_CODE_POINT; codePoint += 1) {
      const once = canonicalUsername(String.fromCodePoint(codePoint));
      if (canonicalUsername(once) !== once) unsettled.push(codePoint.toString(16));
    }
    expect(unsettled).toEqual([]);
  });

  test.each([
    'a',
    'ada@example.org',
    'josé',
    '李',
    'user_1-2.3',
    '👩‍🚀'.slice(0, 2),
    'a'.repeat(128),
    'é'.repeat(64),
  ])('may be %p', (username) => {
    expect(() => checkUsername(username, 'username')).not.toThrow();
  });

  test.each([
    ['empty', ''],
    ['too long', 'a'.repeat(129)],
    ['too long in bytes', 'é'.repeat(65)],
    ['a space inside', 'a b'],
    ['a no-break space', 'a\u00a0b'],
    ['an ideographic space', 'a\u3000'],
    ['a line end', 'ada\n'],
    ['NUL', 'a\0'],
    ['a lone surrogate', 'a\ud800'],
    ['a zero-width joiner', 'a\u200db'],
    ['a soft hyphen', 'a\u00adb'],
    ['a right-to-left override', 'a\u202eb'],
    ['a Hangul filler', 'a\u3164'],
    ['a variation selector', 'a\ufe0f'],
    ['a private character', 'a\ue000'],
    ['what becomes a space in its canonical form', 'a\u00a8'],
  ])('is refused with the field named: %s', async (_, username) => {
    const { reason, violations } = await failureOf(() => checkUsername(username, 'user.name'));
    expect([reason, violations.map(({ field }) => field)]).toEqual(['INVALID_FIELD', ['user.name']]);
  });
});

describe('roles', () => {
  test.each([[[]], [['admin', 'a', 'orders:read', 'x'.repeat(64), 'a-b_c.d:9']], [Array(32).fill('same')]])(
    'may be %p',
    (roles) => {
      expect(() => checkRoles(roles, 'roles')).not.toThrow();
    },
  );

  test.each([['', 'Admin', '1st', ':x', 'a b', 'é', 'a\n', 'x'.repeat(65)]].flat())(
    'are refused with %p among them, which is named by its place',
    async (role) => {
      const { violations } = await failureOf(() => checkRoles(['admin', role], 'roles'));
      expect(violations.map(({ field }) => field)).toEqual(['roles[1]']);
    },
  );

  test('are at most 32', async () => {
    const { violations } = await failureOf(() => checkRoles(Array(33).fill('admin'), 'roles'));
    expect(violations.map(({ field }) => field)).toEqual(['roles']);
  });

  test('are kept once each, in the order given', () => {
    expect(distinctRoles(['b', 'a', 'b'])).toEqual(['b', 'a']);
  });
});
