import * as v from 'valibot';

/** Largest first. */
const UNITS_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

/**
 * A schema that parses a string.
 *
 * @param problem reported if `parse` returns undefined. It ends a sentence that begins with the variable's name.
 */
export function parsed<T>(parse: (text: string) => T | undefined, problem: string) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: problem });
      return NEVER;
    }),
  );
}

/** A whole number with a unit (`500ms`, `30s`, `15m`, `12h`, `7d`), as milliseconds. Bounds have the same form. */
export function duration(min: string, max: string) {
  const from = durationMs(min) ?? 0;
  const to = durationMs(max) ?? Number.MAX_SAFE_INTEGER;
  const problem = `must be a whole number with a unit (ms, s, m, h, d), from ${min} to ${max}`;
  return v.pipe(parsed(durationMs, problem), v.minValue(from, problem), v.maxValue(to, problem));
}

/** Formats milliseconds as `duration` parses them, in the largest unit that divides them. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS_MS).find(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function durationMs(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS_MS[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

export function wholeNumber(min: number, max: number) {
  const problem = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, problem),
    v.transform(Number),
    v.minValue(min, problem),
    v.maxValue(max, problem),
  );
}

export function oneOf<const T extends string>(...choices: readonly T[]) {
  return v.pipe(v.string(), v.picklist(choices, `must be one of ${choices.join(', ')}`));
}

export const onOrOff = v.pipe(
  v.string(),
  v.picklist(['on', 'off'], 'must be on or off'),
  v.transform((value) => value === 'on'),
);

/** Text without control characters, limited in bytes of UTF-8. */
export function text(maxBytes: number) {
  const problem = `must be at most ${maxBytes} bytes without control characters`;
  return v.pipe(v.string(), v.maxBytes(maxBytes, problem), v.regex(/^\P{Cc}*$/u, problem));
}

/** Values separated by commas: at least one, none empty, no duplicates. */
export function list(maxBytes: number) {
  return v.pipe(
    v.string(),
    v.transform((value) => value.split(',')),
    v.check((parts) => new Set(parts).size === parts.length, 'must not contain a value twice'),
    v.array(v.pipe(text(maxBytes), v.nonEmpty('must not have an empty part between commas'))),
  );
}

/** `https://login.example.com`: no path, and in the form that browsers send as `Origin`. */
export const origin = v.pipe(
  text(256),
  v.check(
    (value) => /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).origin === value,
    'must be an origin: http or https, host and port, in lower case and without a path',
  ),
);
