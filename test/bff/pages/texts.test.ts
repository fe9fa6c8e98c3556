import { describe, expect, test } from '@jest/globals';
import { chinese } from '../../../src/bff/pages/texts/chinese.ts';
import { english } from '../../../src/bff/pages/texts/english.ts';
import { textOfName } from '../../../src/bff/pages/texts/texts.ts';

/** Every text by its path in the dictionary. */
function flatten(texts: object, path = ''): readonly (readonly [path: string, text: string])[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [[`${path}${key}`, value] as const] : flatten(value, `${path}${key}.`),
  );
}

/** Texts that are the same in both languages. */
const SAME = new Set(['common.api', 'api.title', 'history.by.UNSPECIFIED']);

describe('texts', () => {
  const inChinese = new Map(flatten(chinese));
  const texts = flatten(english).map(([path, text]) => [path, text, inChinese.get(path) ?? '']);

  test('there are texts', () => {
    expect(texts.length).toBeGreaterThan(150);
    expect(inChinese.size).toBe(texts.length);
  });

  test('both languages have places for the same things', () => {
    const places = (text = '') => text.split('{}').length;
    expect(texts.filter(([, first, second]) => places(first) !== places(second))).toEqual([]);
  });

  test('no Chinese text was left in English', () => {
    const hasHan = (text = '') => /\p{Script=Han}/u.test(text);
    const left = texts.filter(
      ([path = '', text, translated]) =>
        !SAME.has(path) && text !== '' && !hasHan(translated) && /[a-z]{3}/i.test(translated ?? ''),
    );
    expect(left.map(([path]) => path)).toEqual(['common.languageTag', 'common.otherLanguage']);
  });

  test('a name that objects have anyway is no text', () => {
    expect(textOfName(english.devices.methods, 'constructor')).toBeUndefined();
    expect(textOfName(english.devices.methods, 'pwd')).toBe('Password');
  });
});
