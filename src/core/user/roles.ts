import { invalidField } from '../failure.ts';

const MAX_ROLES = 32;
const ROLE = /^[a-z][a-z0-9_.:-]{0,63}$/;

/** Throws INVALID_FIELD unless there are at most 32, each 1 to 64 of `a-z 0-9 _ . : -` beginning with a letter. */
export function checkRoles(roles: readonly string[], field: string): void {
  if (roles.length > MAX_ROLES) {
    throw invalidField(field, `must be at most ${MAX_ROLES}, are ${roles.length}`);
  }
  const unfit = roles.findIndex((role) => !ROLE.test(role));
  if (unfit !== -1) {
    throw invalidField(
      `${field}[${unfit}]`,
      'must be 1 to 64 of a-z 0-9 _ . : - and begin with a letter, for example admin',
    );
  }
}

/** Each role once, in the order given. */
export function distinctRoles(roles: readonly string[]): readonly string[] {
  return [...new Set(roles)];
}
