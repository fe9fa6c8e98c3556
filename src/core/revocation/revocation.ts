// The words that the log shares with the validator, for the adapters, which know core only.

export { isRevision, reaches } from '../../validator/revision.ts';
export type { Revocation } from '../../validator/revocation-set.ts';
