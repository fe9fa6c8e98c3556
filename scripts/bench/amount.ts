import type { Unit } from './measurement.ts';

const SUFFIXES: Readonly<Record<Unit, string>> = {
  'per second': '/s',
  ms: ' ms',
  us: ' µs',
  bytes: ' bytes',
};

/** Three significant digits, and whole numbers in full. */
export function amount(value: number, unit: Unit): string {
  const digits = value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
  return `${digits}${SUFFIXES[unit]}`;
}
