import * as v from 'valibot';
import { NETWORK_VARIABLES } from './network-variables.ts';
import { oneOf, wholeNumber } from './scalars.ts';
import { SESSION_VARIABLES } from './session-variables.ts';
import { STORE_VARIABLES } from './store-variables.ts';
import { optional, type ShownFacts, type VariableSet, withDefault } from './variable.ts';

/** Environment, log and worker processes. */
const PROCESS_VARIABLES = {
  LATCHKEY_ENV: optional(
    oneOf('development', 'production'),
    '`development` on loopback unless `NODE_ENV` is `production`',
    {
      meaning:
        '`development` or `production`: decides whether reflection is on by default, and the minimum bcrypt cost',
      example: 'production',
    },
  ),
  LATCHKEY_LOG_LEVEL: withDefault(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    {
      meaning: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
      example: 'debug',
    },
  ),
  LATCHKEY_WORKERS: withDefault(wholeNumber(1, 64), '1', {
    meaning:
      'processes that serve one address, 1 to 64; more than one needs `LATCHKEY_REDIS_URL`, because sessions in memory belong to one process',
    example: '4',
  }),
};

/** All variables, in the order of the table. */
const VARIABLES = {
  ...NETWORK_VARIABLES,
  ...STORE_VARIABLES,
  ...SESSION_VARIABLES,
  ...PROCESS_VARIABLES,
};

export type VariableName = keyof typeof VARIABLES;

export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[];

/** All variables, without the rules between them. NODE_ENV affects the default of LATCHKEY_ENV. */
export const VARIABLES_SCHEMA = v.object({ ...VARIABLES, NODE_ENV: v.optional(v.string()) });

/** The parsed values. */
export type Settings = v.InferOutput<typeof VARIABLES_SCHEMA>;

export function isVariable(name: string): name is VariableName {
  return name in VARIABLES;
}

/** The documentation of a variable. */
export function factsOf(name: VariableName): ShownFacts {
  return v.getMetadata(VARIABLES[name]) as unknown as ShownFacts;
}

/** The variables of the service. */
export const SERVICE_VARIABLES: VariableSet = {
  program: 'latchkey',
  prefix: 'LATCHKEY_',
  names: VARIABLE_NAMES,
  factsOf: (name) => (isVariable(name) ? factsOf(name) : undefined),
};
