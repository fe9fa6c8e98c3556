import { COMMON_WORDS } from './common-words.ts';

/** Longer passwords are not checked as variations of a word. They can still be a keyboard walk or a repetition. */
const MAX_VARIATION_LENGTH = 48;
/** Maximum digits and symbols around a word that still count as a variation, for example `summer2026!`. */
const MAX_AFFIX_LENGTH = 6;
/** Minimum length of a walk piece. Two adjacent keys can be chance. */
const MIN_WALK_LENGTH = 3;
/** Maximum length of a repeated unit: `abcdabcd` is as easy to guess as `abcd`. */
const MAX_REPEATED_LENGTH = 4;
const MIN_WORD_LENGTH = 3;
const MIN_SQUEEZED_LENGTH = 8;

/** Eight digits: a year from 1900 to 2099 before or after month and day. */
const DATE = /^(?:(?:19|20)\d\d(?:0[1-9]|[12]\d|3[01]){2}|(?:0[1-9]|[12]\d|3[01]){2}(?:19|20)\d\d)$/;
const SEPARATORS = /[\s._-]+/gu;
const SIGNS = /[^\p{L}\p{N}]+/gu;

/** Keyboard rows and other sequences, in both directions and continued past the end. */
const LINES = [
  'abcdefghijklmnopqrstuvwxyz',
  '1234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  'qawsedrftgyhujikolp',
  '!qaz@wsx#edc$rfv%tgb',
  '!@#$%^&*()',
  '147258369',
  '741852963',
].flatMap((line) => [line + line, [...(line + line)].reverse().join('')]);

/** Letters that symbols stand for. `1` and `!` have two readings. */
const READINGS = [
  { from: '01345789@$!+', to: 'oieastbgasit' },
  { from: '01345789@$!+', to: 'oleastbgaslt' },
].map(({ from, to }) => new Map([...from].map((sign, index) => [sign, to.charAt(index)])));

/**
 * Whether a password is easy to guess from a word list. Ignores letter case and separators.
 *
 * - A common word, or two of them. `contextWords` count too, also reversed. Symbols may stand for letters, and a few
 *   digits or symbols may surround the words.
 * - A keyboard walk, a repetition, or a date.
 */
export function isCommonPassword(password: string, contextWords: readonly string[]): boolean {
  const folded = password.normalize('NFKC').toLowerCase();
  const squeezed = [folded.replace(SEPARATORS, ''), folded.replace(SIGNS, '')];
  const forms = [folded, ...squeezed.filter((form) => isMostOf(form, folded))];
  const context = new Set(contextWords.flatMap(wordsOf));
  return forms.some(
    (form) => isRepetition(form) || isWalk(form) || DATE.test(form) || isVariation(form, context),
  );
}

/** Ignores forms that dropped most of a password: the rest does not represent it. */
function isMostOf(form: string, whole: string): boolean {
  return form.length >= MIN_SQUEEZED_LENGTH && form.length * 4 >= whole.length * 3;
}

/** The whole word, its parts (`ann`, `example` and `com` of an address), and all of them reversed. */
function wordsOf(contextWord: string): readonly string[] {
  const folded = contextWord.normalize('NFKC').toLowerCase();
  const words = [folded, folded.replace(SIGNS, ''), ...folded.split(SIGNS)];
  return words
    .filter((word) => word.length >= MIN_WORD_LENGTH)
    .flatMap((word) => [word, [...word].reverse().join('')]);
}

function isRepetition(form: string): boolean {
  for (let size = 1; size <= MAX_REPEATED_LENGTH; size++) {
    const unit = form.slice(0, size);
    if (form === unit.repeat(Math.ceil(form.length / size)).slice(0, form.length)) return true;
  }
  return false;
}

/** Whether the form can be split into pieces that each lie on a line. */
function isWalk(form: string): boolean {
  const reachable = new Set([0]);
  for (let end = MIN_WALK_LENGTH; end <= form.length; end++) {
    for (const start of reachable) {
      const piece = form.slice(start, end);
      if (piece.length >= MIN_WALK_LENGTH && LINES.some((line) => line.includes(piece))) {
        reachable.add(end);
        break;
      }
    }
  }
  return form.length > 0 && reachable.has(form.length);
}

function isVariation(form: string, context: ReadonlySet<string>): boolean {
  if (form.length > MAX_VARIATION_LENGTH) return context.has(form);
  const before = /^[^\p{L}]*/u.exec(form)?.[0].length ?? 0;
  const after = /[^\p{L}]*$/u.exec(form)?.[0].length ?? 0;
  for (let head = 0; head <= before; head++) {
    for (let tail = 0; tail <= after && head + tail < form.length; tail++) {
      const core = form.slice(head, form.length - tail);
      const affix = form.slice(0, head) + form.slice(form.length - tail);
      // Words first: a word is a map look-up, a walk is a search, and few cores consist of words.
      if (core.length >= MIN_WORD_LENGTH && isMadeOfWords(core, context) && isPredictable(affix)) return true;
    }
  }
  return false;
}

function isPredictable(affix: string): boolean {
  return affix.length <= MAX_AFFIX_LENGTH || isWalk(affix) || isRepetition(affix);
}

function isMadeOfWords(core: string, context: ReadonlySet<string>): boolean {
  const isWord = (text: string): boolean => COMMON_WORDS.has(text) || context.has(text);
  const spellings = [
    core,
    ...READINGS.map((signs) => [...core].map((sign) => signs.get(sign) ?? sign).join('')),
  ];
  return spellings.some((spelling) => {
    if (isWord(spelling)) return true;
    for (let cut = MIN_WORD_LENGTH; cut <= spelling.length - MIN_WORD_LENGTH; cut++) {
      if (isWord(spelling.slice(0, cut)) && isWord(spelling.slice(cut))) return true;
    }
    return false;
  });
}
