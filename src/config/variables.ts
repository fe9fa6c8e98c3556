import { NETWORK_VARIABLES } from './network-variables.ts';
import { PROCESS_VARIABLES } from './process-variables.ts';
import { SESSION_VARIABLES } from './session-variables.ts';
import { STORE_VARIABLES } from './store-variables.ts';
import type { ValueOf, Variable } from './variable.ts';

/** Every variable there is, in the order of the README's table. */
const VARIABLES = {
  ...NETWORK_VARIABLES,
  ...STORE_VARIABLES,
  ...SESSION_VARIABLES,
  ...PROCESS_VARIABLES,
};

export type SettingName = keyof typeof VARIABLES;

/** What was read, before the rules between variables. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof VARIABLES)[Name]> };

export const SETTING_NAMES = Object.keys(VARIABLES) as readonly SettingName[];

/** The facts of a variable, whichever it is. */
export function variableOf(name: SettingName): Variable<unknown> {
  return VARIABLES[name];
}
