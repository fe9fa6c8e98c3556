// Shared with the validator. Adapters may import from core only.

export { isRevision, reaches } from '../../validator/revision.ts';
export type { Revocation } from '../../validator/revocation-set.ts';
