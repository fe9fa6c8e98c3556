import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkRoles, distinctRoles } from '../../src/core/user/roles.ts';
import { canonicalUsername, checkNewUsername, checkUsername } from '../../src/core/user/username.ts';
import { failureOf } from '../support/failing.ts';

const MAX_CODE_POINT = 0x10ffff;

function isTaken(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

// The stack traces of a million refusals would take most of the time.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('a username', () => {
  test.each([
    ['ada', 'Ada', 'ADA', 'ａｄａ'],
    ['straße', 'STRASSE', 'strasse', 'STRAẞE'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος', 'σίσυφοσ'],
    ['ﬁnn', 'FINN'],
    ['jose\u0301', 'josé', 'JOSÉ'],
    ['K', '\u212a', 'k'],
  ])('is the same in another letter case or form: %s', (...spellings) => {
    expect(new Set(spellings.map(canonicalUsername)).size).toBe(1);
  });

  test('differs by one letter', () => {
    expect(new Set(['ada', 'adа', 'ada1', 'a.da', 'ädä'].map(canonicalUsername)).size).toBe(5);
  });

  test('has one canonical form: converting it again changes nothing', () => {
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
    '⠁⠃',
    'd41d8cd98f00b204e9800998ecf8427',
    '01900000-0000-7000-8000-00000000aaaag',
    'x-01900000-0000-7000-8000-00000000aaaa',
  ])('may be %p', (username) => {
    expect(() => checkNewUsername(username, 'username')).not.toThrow();
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
  ])('is refused with the name of the field: %s', async (_, username) => {
    for (const check of [checkUsername, checkNewUsername]) {
      const { reason, violations } = await failureOf(() => check(username, 'user.name'));
      expect([reason, violations.map(({ field }) => field)]).toEqual(['INVALID_FIELD', ['user.name']]);
    }
  });

  test.each([
    ['a Braille blank', 'ada\u2800', 'U+2800'],
    ['nothing but Braille blanks', '\u2800\u2800', 'U+2800'],
    ['a Hangul filler', '\u3164', 'U+3164'],
    ['a half-width Hangul filler', 'a\uffa0', 'U+FFA0'],
    ['a Hangul filler of syllables', '\u115f\u1160', 'U+115F'],
    ['a zero-width space', 'a\u200bda', 'U+200B'],
    ['an object that is not there', 'a\ufffc', 'U+FFFC'],
    ['a note without a head', 'a\u{1d159}', 'U+1D159'],
    ['a blank hieroglyph', '\u{13441}', 'U+13441'],
    ['a Khitan filler', 'a\u{16fe4}', 'U+16FE4'],
    ['a space of SignWriting', 'a\u{1da7f}', 'U+1DA7F'],
  ])('of a new user is refused with a blank character, which the error names: %s', async (_, name, which) => {
    const { reason, message } = await failureOf(() => checkNewUsername(name, 'username'));
    expect([reason, message]).toEqual([
      'INVALID_FIELD',
      `username: must not contain spaces, control, blank or invisible characters, as ${which} is`,
    ]);
  });

  test('of a new user is refused with every character that Unicode defines as invisible', async () => {
    const accepted: string[] = [];
    for (let codePoint = 0; codePoint <= MAX_CODE_POINT; codePoint += 1) {
      const character = String.fromCodePoint(codePoint);
      if (!/[\p{C}\p{White_Space}\p{Default_Ignorable_Code_Point}]/u.test(character)) continue;
      if (isTaken(() => checkNewUsername(`a${character}`, 'username'))) accepted.push(codePoint.toString(16));
    }
    expect(accepted).toEqual([]);
  });

  test.each(['\u0301', '\u0301ada', '\u{1e944}a', '\uff9ea'])(
    'of a new user is refused if it starts with a combining mark: %p',
    async (name) => {
      const { message } = await failureOf(() => checkNewUsername(name, 'username'));
      expect(message).toBe('username: must not begin with a combining mark');
    },
  );

  test.each([
    '01900000-0000-7000-8000-00000000aaaa',
    '01900000-0000-7000-8000-00000000AAAA',
    '0190000000007000800000000000aaaa',
    'D41D8CD98F00B204E9800998ECF8427E',
    '０１９０００００-0000-7000-8000-00000000aaaa',
    '01900000‐0000‑7000–8000—00000000aaaa',
  ])('of a new user is refused if it looks like a user id: %s', async (name) => {
    const { message } = await failureOf(() => checkNewUsername(name, 'username'));
    expect(message).toBe('username: must not have the form of a user id (32 hexadecimal digits, a UUID)');
  });

  test.each(['ada\u2800', '01900000-0000-7000-8000-00000000aaaa', '\u0301ada'])(
    'of an existing user can be looked up: %p',
    (name) => {
      expect(() => checkUsername(name, 'username')).not.toThrow();
    },
  );
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

  test('have no duplicates and keep their order', () => {
    expect(distinctRoles(['b', 'a', 'b'])).toEqual(['b', 'a']);
  });
});
