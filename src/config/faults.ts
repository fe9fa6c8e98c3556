import { SETTING_NAMES, type SettingName, variableOf } from './variables.ts';

/** Something in the environment that is not as it must be. */
export interface ConfigFault {
  readonly name: string;
  /** A sentence that begins with the name. Holds no secret. */
  readonly sentence: string;
  /** What could be set instead, as `NAME=value`; undefined: it is to be removed or renamed. */
  readonly example: string | undefined;
}

/** Longer values are cut where they are shown. */
const MAX_SHOWN = 60;
/** More letters than that apart, and it was not meant. */
const MAX_DISTANCE = 6;

export function badValue(name: SettingName, text: string, problem: string): ConfigFault {
  const { secret = false } = variableOf(name);
  return fault(name, secret ? `is set, but ${problem}` : `is ${shown(text)}, but ${problem}`);
}

/** @param rest what is said after the name. */
export function fault(name: SettingName, rest: string): ConfigFault {
  const variable = variableOf(name);
  return {
    name: variable.name,
    sentence: `${variable.name} ${rest}.`,
    example: `${variable.name}=${variable.example}`,
  };
}

/** A name with our prefix that means nothing; most likely a typo. */
export function unknownName(name: string): ConfigFault {
  const [nearest] = SETTING_NAMES.map((known) => variableOf(known).name)
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance);
  const isClose = nearest !== undefined && nearest.distance <= MAX_DISTANCE;
  const sentence = `${name} is not a variable of latchkey${isClose ? `; did you mean ${nearest.known}?` : '.'}`;
  return { name, sentence, example: undefined };
}

/** All of them, for a person at a terminal. */
export function describeFaults(faults: readonly ConfigFault[]): string {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  const lines = faults.map(({ sentence, example }) => {
    return example === undefined ? `  ${sentence}` : `  ${sentence}\n    Example: ${example}`;
  });
  return [`latchkey cannot start: ${count} in its environment.`, ...lines].join('\n');
}

function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
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
