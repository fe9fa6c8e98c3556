import type { VariableSet } from './variable.ts';

/** Words that other services use for their listen address. */
const SYNONYMS: Readonly<Record<string, string>> = {
  PORT: 'LISTEN',
  HOST: 'LISTEN',
  ADDR: 'LISTEN',
  BIND: 'LISTEN',
};

/**
 * The variable that was most likely meant. Prefers one whose words include the given words or are included in them.
 * Otherwise one with a similar spelling. Undefined if none is similar.
 */
export function nearestName(unknown: string, { prefix, names }: VariableSet): string | undefined {
  const wordsOf = (name: string) =>
    name
      .slice(prefix.length)
      .split('_')
      .filter((word) => word !== '');
  const words = wordsOf(unknown).map((word) => SYNONYMS[word] ?? word);
  const name = words.join('_');
  const byDistance = names
    .map((known) => ({
      known,
      distance: editDistance(name, wordsOf(known).join('_')),
    }))
    .sort((a, b) => a.distance - b.distance);
  const byWords = byDistance.find(({ known }) => oneIncludesOther(wordsOf(known), words));
  // If more than a third of the letters differ, it is another name.
  const byLetters = byDistance.find(({ distance }) => distance <= name.length / 3);
  return (byWords ?? byLetters)?.known;
}

function oneIncludesOther(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return false;
  return a.every((word) => b.includes(word)) || b.every((word) => a.includes(word));
}

/** Levenshtein distance: the number of letters to insert, remove or replace. */
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
