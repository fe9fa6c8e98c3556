import { VARIABLE_NAMES } from './variables.ts';

const PREFIX = 'LATCHKEY_';
/** What other services call the address they listen on. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  PORT: 'LISTEN',
  HOST: 'LISTEN',
  ADDR: 'LISTEN',
  BIND: 'LISTEN',
};

/**
 * The variable that was meant most likely: one with the same words and more or fewer besides, else one of nearly the
 * same letters. Undefined: none is near.
 */
export function nearestName(unknown: string): string | undefined {
  const words = wordsOf(unknown).map((word) => OTHER_WORDS[word] ?? word);
  const name = words.join('_');
  const byDistance = VARIABLE_NAMES.map((known) => ({
    known,
    distance: editDistance(name, wordsOf(known).join('_')),
  })).sort((a, b) => a.distance - b.distance);
  const byWords = byDistance.find(({ known }) => oneHoldsTheOther(wordsOf(known), words));
  // More than a third of its letters changed: that is another name.
  const byLetters = byDistance.find(({ distance }) => distance <= name.length / 3);
  return (byWords ?? byLetters)?.known;
}

function wordsOf(name: string): readonly string[] {
  return name
    .slice(PREFIX.length)
    .split('_')
    .filter((word) => word !== '');
}

function oneHoldsTheOther(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return false;
  return a.every((word) => b.includes(word)) || b.every((word) => a.includes(word));
}

/** Letters to insert, remove or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
