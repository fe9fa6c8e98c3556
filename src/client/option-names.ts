/** The names of all options of a type: the compiler checks that none is missing. */
export type NamesOf<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Why the options cannot have been meant: in plain JavaScript a misspelt name would leave the default in force.
 * Undefined: every name is known.
 */
export function unknownOption(options: unknown, names: Readonly<Record<string, true>>): string | undefined {
  if (typeof options !== 'object' || options === null) {
    return `the options are ${typeof options === 'string' ? JSON.stringify(options) : String(options)}, and must be an object.`;
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return undefined;
  return `there is no option ${unknown}; there are ${Object.keys(names).join(', ')}.`;
}

/** Throws a `TypeError` for an option that does not exist. @param where the function that was called. */
export function checkOptionNames(
  where: string,
  options: unknown,
  names: Readonly<Record<string, true>>,
): void {
  const problem = unknownOption(options, names);
  if (problem !== undefined) throw new TypeError(`${where}: ${problem}`);
}
