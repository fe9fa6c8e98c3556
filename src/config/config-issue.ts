import type { BaseIssue } from 'valibot';
import { nearestName } from './nearest-name.ts';
import type { VariableSet } from './variable.ts';

/** An invalid variable, or an invalid combination of variables. */
export interface ConfigIssue {
  readonly name: string;
  /** A sentence that begins with the name. Contains no secret. */
  readonly sentence: string;
  /** A valid setting, as `NAME=value`. Undefined if the variable must be removed or renamed. */
  readonly example: string | undefined;
}

/** In characters. Longer values are cut in messages. */
const MAX_SHOWN = 60;

/** Returns one issue for each invalid variable and one for each violated rule between variables. */
export function issuesOf(
  found: readonly BaseIssue<unknown>[],
  environment: Readonly<Record<string, string | undefined>>,
  { factsOf }: VariableSet,
): readonly ConfigIssue[] {
  const invalid = new Set<string>();
  return found.flatMap(({ type, path, message }) => {
    const name = String(path?.[0]?.key);
    const facts = factsOf(name);
    if (facts === undefined || invalid.has(name)) return [];
    const issue = (rest: string): ConfigIssue => ({
      name,
      sentence: `${name} ${rest}.`,
      example: `${name}=${facts.example}`,
    });
    if (type === 'partial_check') return [issue(message)];
    invalid.add(name);
    const text = environment[name] ?? '';
    return [issue(`is ${facts.secret ? 'set' : shown(text)}, but ${message}`)];
  });
}

/** The issue of a name that has our prefix but is not a variable, most likely a typo. */
export function unknownNameIssue(name: string, variables: VariableSet): ConfigIssue {
  const nearest = nearestName(name, variables);
  const sentence = `${name} is not a variable of ${variables.program}${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
  return { name, sentence, example: undefined };
}

/** Formats all issues for a terminal. */
export function describeIssues(issues: readonly ConfigIssue[], program = 'latchkey'): string {
  const count = issues.length === 1 ? 'one problem' : `${issues.length} problems`;
  const lines = issues.map(({ sentence, example }) => {
    return example === undefined ? `  ${sentence}` : `  ${sentence}\n    Example: ${example}`;
  });
  return [`${program} cannot start: ${count} in its environment.`, ...lines].join('\n');
}

function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}
