import { nearestName } from './nearest-name.ts';
import { type SettingName, variableOf } from './variables.ts';

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
  const nearest = nearestName(name);
  const sentence = `${name} is not a variable of latchkey${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
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
