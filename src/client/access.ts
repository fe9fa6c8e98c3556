import type { AcceptedToken, Identity, RejectedToken } from './validation.ts';

/**
 * Who may call: anybody, whoever presents a good token, or of those the ones with at least one of the roles
 * (nobody where there is none). Roles are those of the token's issue.
 */
export type Access = 'public' | 'signed-in' | { readonly anyRole: readonly string[] };

export type Decision =
  /** `identity` is undefined where nobody had to say who they are. */
  | { readonly kind: 'admitted'; readonly identity: Identity | undefined }
  /** `rejection` is undefined where no token was judged. */
  | { readonly kind: 'unauthenticated'; readonly rejection: RejectedToken | undefined }
  | { readonly kind: 'forbidden'; readonly anyRole: readonly string[] };

/** @param verdict on the caller's token; undefined: there is none, or it is not of the form of one. */
export function decide(verdict: AcceptedToken | RejectedToken | undefined, access: Access): Decision {
  if (access === 'public') return { kind: 'admitted', identity: acceptedIdentity(verdict) };
  if (verdict?.kind !== 'accepted') return { kind: 'unauthenticated', rejection: verdict };
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
  if (Array.isArray(roles) && roles.every((role) => typeof role === 'string')) return access;
  throw new TypeError(`${where}: an access is 'public', 'signed-in' or { anyRole: [...] }.`);
}

function acceptedIdentity(verdict: AcceptedToken | RejectedToken | undefined): Identity | undefined {
  return verdict?.kind === 'accepted' ? verdict.identity : undefined;
}
