import { invalidField } from '../failure.ts';

const MAX_ROLES = 32;
const ROLE = /^[a-z][a-z0-9_.:-]{0,63}$/;

/**
 * Throws INVALID_FIELD if there are more than 32 roles or one is malformed. A role has 1 to 64 characters of `a-z 0-9 _
 * . : -` and starts with a letter.
 */
export function checkRoles(roles: readonly string[], field: string): void {
  if (roles.length > MAX_ROLES) {
    throw invalidField(field, `must have at most ${MAX_ROLES} entries, has ${roles.length}`);
  }
  const malformed = roles.findIndex((role) => !ROLE.test(role));
  if (malformed !== -1) {
    throw invalidField(
      `${field}[${malformed}]`,
      'must be 1 to 64 of a-z 0-9 _ . : - and start with a letter, for example admin',
    );
  }
}

/** Removes duplicates and keeps the order. */
export function distinctRoles(roles: readonly string[]): readonly string[] {
  return [...new Set(roles)];
}
