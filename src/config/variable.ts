import * as v from 'valibot';

/** What people are told of a variable, in the table of variables and with every issue. */
interface Facts {
  /** What it does: a phrase, Markdown allowed. */
  readonly meaning: string;
  /** A value that could be given. */
  readonly example: string;
  /** The value is never printed. */
  readonly secret?: true;
}

/** With the default, or what happens without one, as the table shows it. */
export interface ShownFacts extends Facts {
  readonly default: string;
}

/** What the environment may hold under a name. */
type Variable<T> = v.GenericSchema<string | undefined, T>;

/** A variable that has a default, written as a person would write it. */
export function withDefault<T>(schema: v.GenericSchema<string, T>, fallback: string, facts: Facts) {
  return variable<T>(v.optional<v.GenericSchema, string>(schema, fallback), `\`${fallback}\``, facts);
}

/** A variable that may be left out; `otherwise` says in words what happens then. */
export function optional<T>(schema: v.GenericSchema<string, T>, otherwise: string, facts: Facts) {
  return variable<T | undefined>(v.optional<v.GenericSchema, undefined>(schema, undefined), otherwise, facts);
}

/** The step that changes nothing makes a value that failed a check untyped, so that rules between variables skip it. */
function variable<T>(schema: v.GenericSchema, shownDefault: string, facts: Facts) {
  const described = v.metadata({ ...facts, default: shownDefault } satisfies ShownFacts);
  return v.pipe(
    schema,
    v.transform((value) => value),
    described,
  ) as Variable<T>;
}
