import type { Identity, RejectedToken, Validation } from './validation.ts';

/**
 * Who may call: anybody; whoever has a good token; or of those, whoever has one of the roles, which must not be
 * empty. Roles are those of the token's issue.
 */
export type Access = 'public' | 'signed-in' | { readonly anyRole: readonly string[] };

export type Decision =
  | { readonly kind: 'admitted'; readonly identity: Identity }
  | { readonly kind: 'unauthenticated'; readonly rejection: RejectedToken }
  | { readonly kind: 'forbidden'; readonly anyRole: readonly string[] };

/** @param verdict on the caller's token. */
export function decide(verdict: Validation, access: Exclude<Access, 'public'>): Decision {
  if (verdict.kind !== 'accepted') return { kind: 'unauthenticated', rejection: verdict };
  const { identity } = verdict;
  if (access === 'signed-in' || access.anyRole.some((role) => identity.roles.includes(role))) {
    return { kind: 'admitted', identity };
  }
  return { kind: 'forbidden', anyRole: access.anyRole };
}

/** The same access. Throws a `TypeError` for anything that is none: a mistyped rule is told when it is made. */
export function checkedAccess(access: Access, where: string): Access {
  if (access === 'public' || access === 'signed-in') return access;
  const roles: unknown = (access as Partial<typeof access> | null | undefined)?.anyRole;
  if (!Array.isArray(roles)) {
    throw new TypeError(`${where}: an access is 'public', 'signed-in' or { anyRole: [...] }.`);
  }
  checkRoles(roles, `${where}: anyRole`, "{ anyRole: ['admin'] }");
  return access;
}

/** Throws a `TypeError` for an empty list, which would refuse everybody, and for anything that cannot be a role. */
export function checkRoles(roles: readonly unknown[], where: string, example: string): void {
  if (roles.length > 0 && roles.every((role) => typeof role === 'string' && role !== '')) return;
  throw new TypeError(`${where} needs one role at least, each a string that is not empty: ${example}.`);
}
