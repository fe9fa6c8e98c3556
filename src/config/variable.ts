import type { Parse } from './parsed.ts';

interface Facts<T> {
  readonly name: `LATCHKEY_${string}`;
  /** What it does, for the table in the README: a phrase, Markdown allowed. */
  readonly meaning: string;
  /** A value that could be given; shown with every fault of this variable. */
  readonly example: string;
  /** The value is never printed. */
  readonly secret?: true;
  readonly parse: Parse<T>;
}

/** One variable of the environment: everything that is known of it, once. */
export type Variable<T> = Facts<T> &
  (
    | { /** What is parsed when it is not set. */ readonly fallback: string }
    | { /** What happens when it is not set, in words, for the table. */ readonly otherwise: string }
  );

/** What reading it gives. */
export type ValueOf<V> = V extends { readonly parse: Parse<infer T> }
  ? V extends { readonly fallback: string }
    ? T
    : T | undefined
  : never;
