/** The names of all options of a type. The compiler checks that none is missing. */
export type NamesOf<Options> = Readonly<Record<keyof Options, true>>;

/** Longer names are not shown: they may contain a secret. */
const MAX_SHOWN = 40;

/**
 * Why the options are invalid. In plain JavaScript a misspelt name would silently leave the default in force.
 * Undefined: every name is known.
 */
export function unknownOption(options: unknown, names: Readonly<Record<string, true>>): string | undefined {
  if (typeof options !== 'object' || options === null) {
    const shown = typeof options === 'string' ? 'a string' : String(options);
    return `the options are ${shown}; they must be an object.`;
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return undefined;
  const shown = unknown.length <= MAX_SHOWN ? unknown : 'of that name';
  return `there is no option ${shown}; valid options: ${Object.keys(names).join(', ')}.`;
}

/** Throws a `TypeError` for an unknown option. @param where the function that was called. */
export function checkOptionNames(
  where: string,
  options: unknown,
  names: Readonly<Record<string, true>>,
): void {
  const problem = unknownOption(options, names);
  if (problem !== undefined) throw new TypeError(`${where}: ${problem}`);
}
