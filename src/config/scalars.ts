import type { Parse } from './parsed.ts';

/** The largest first. */
const UNITS_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

/** A whole number with a unit (`500ms`, `30s`, `15m`, `12h`, `7d`), as milliseconds; bounds are written alike. */
export function duration(least: string, most: string): Parse<number> {
  const from = durationMs(least) ?? 0;
  const to = durationMs(most) ?? Number.MAX_SAFE_INTEGER;
  const problem = `must be a whole number with a unit (ms, s, m, h, d), from ${least} to ${most}`;
  return (text) => {
    const value = durationMs(text);
    return value !== undefined && value >= from && value <= to ? { value } : { problem };
  };
}

/** Milliseconds as `duration` reads them, in the largest unit that they are a whole number of. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS_MS).find(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function durationMs(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS_MS[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

export function wholeNumber(least: number, most: number): Parse<number> {
  const problem = `must be a whole number from ${least} to ${most}`;
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? { value } : { problem };
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Parse<T> {
  const problem = `must be one of ${choices.join(', ')}`;
  return (text) => {
    const value = choices.find((choice) => choice === text);
    return value === undefined ? { problem } : { value };
  };
}

export function onOrOff(text: string): ReturnType<Parse<boolean>> {
  return text === 'on' || text === 'off' ? { value: text === 'on' } : { problem: 'must be on or off' };
}

/** Anything of at most so many bytes of UTF-8 without control characters. */
export function text(mostBytes: number): Parse<string> {
  const problem = `must be at most ${mostBytes} bytes without control characters`;
  return (value) =>
    Buffer.byteLength(value) <= mostBytes && !/\p{Cc}/u.test(value) ? { value } : { problem };
}

/** Parts between commas, at least one, none empty, none twice. */
export function list<T>(parsePart: Parse<T>): Parse<readonly T[]> {
  return (text) => {
    const parts = text.split(',');
    if (new Set(parts).size < parts.length) return { problem: 'must not name anything twice' };
    const values: T[] = [];
    for (const part of parts) {
      const parsed =
        part === '' ? { problem: 'must not have an empty part between commas' } : parsePart(part);
      if ('problem' in parsed) return parsed;
      values.push(parsed.value);
    }
    return { value: values };
  };
}
