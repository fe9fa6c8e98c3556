import * as v from 'valibot';

/** Documentation of a variable, for the table of variables and for issues. */
interface Facts {
  /** What the variable does: a phrase, Markdown allowed. */
  readonly meaning: string;
  /** A valid value. */
  readonly example: string;
  /** The value is never printed. */
  readonly secret?: true;
}

/** Also states the default, or the behaviour without one, as shown in the table. */
export interface ShownFacts extends Facts {
  readonly default: string;
}

/** The variables of one program. */
export interface VariableSet {
  /** For messages: `latchkey`. */
  readonly program: string;
  /** What the names of all its variables begin with. */
  readonly prefix: string;
  readonly names: readonly string[];
  /** Undefined: it is not a variable of the program. */
  readonly factsOf: (name: string) => ShownFacts | undefined;
}

/** The schema of one environment variable. */
type Variable<T> = v.GenericSchema<string | undefined, T>;

/** A variable with a default, written as in the environment. */
export function withDefault<T>(schema: v.GenericSchema<string, T>, fallback: string, facts: Facts) {
  return variable<T>(v.optional<v.GenericSchema, string>(schema, fallback), `\`${fallback}\``, facts);
}

/** An optional variable. `otherwise` describes the behaviour without it. */
export function optional<T>(schema: v.GenericSchema<string, T>, otherwise: string, facts: Facts) {
  return variable<T | undefined>(v.optional<v.GenericSchema, undefined>(schema, undefined), otherwise, facts);
}

/** The identity transform makes an invalid value untyped, so that rules between variables skip it. */
function variable<T>(schema: v.GenericSchema, shownDefault: string, facts: Facts) {
  const described = v.metadata({ ...facts, default: shownDefault } satisfies ShownFacts);
  return v.pipe(
    schema,
    v.transform((value) => value),
    described,
  ) as Variable<T>;
}
