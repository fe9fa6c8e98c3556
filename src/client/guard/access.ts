import type { Identity, RejectedToken, Validation } from '../transport/validation.ts';

/**
 * Who may call: everyone, every caller with a valid token, or every caller whose token has one of the roles.
 *
 * The list of roles must not be empty. Roles are those in the token, as of its issue.
 *
 * @example
 * const access: Access = { anyRole: ['admin', 'support'] };
 */
export type Access = 'public' | 'signed-in' | { readonly anyRole: readonly string[] };

export type Decision =
  | { readonly kind: 'admitted'; readonly identity: Identity }
  | { readonly kind: 'unauthenticated'; readonly rejection: RejectedToken }
  | { readonly kind: 'forbidden'; readonly anyRole: readonly string[] };

/** @param verdict the verdict on the caller's token. */
export function decide(verdict: Validation, access: Exclude<Access, 'public'>): Decision {
  if (verdict.kind !== 'accepted') return { kind: 'unauthenticated', rejection: verdict };
  const { identity } = verdict;
  if (access === 'signed-in' || access.anyRole.some((role) => identity.roles.includes(role))) {
    return { kind: 'admitted', identity };
  }
  return { kind: 'forbidden', anyRole: access.anyRole };
}

/** Returns the access. Throws a `TypeError` if it is invalid, so a mistyped rule fails at startup. */
export function checkedAccess(access: Access, where: string): Access {
  if (access === 'public' || access === 'signed-in') return access;
  const roles: unknown = (access as Partial<typeof access> | null | undefined)?.anyRole;
  if (!Array.isArray(roles)) {
    throw new TypeError(`${where}: access must be 'public', 'signed-in' or { anyRole: [...] }.`);
  }
  checkRoles(roles, `${where}: anyRole`, "{ anyRole: ['admin'] }");
  return access;
}

/** Throws a `TypeError` for an empty list, which would refuse every caller, and for an invalid role. */
export function checkRoles(roles: readonly unknown[], where: string, example: string): void {
  if (roles.length > 0 && roles.every((role) => typeof role === 'string' && role !== '')) return;
  throw new TypeError(`${where} needs at least one role, each a non-empty string: ${example}.`);
}
