import { MAX_BATCH, MAX_BATCH_BYTES } from './identity-fields.ts';

/** Size limits of an rpc's request. */
export interface RequestLimits {
  readonly maxBytes: number;
  /** Includes fields of nested messages. A nested message or an unknown field with a length counts as two. */
  readonly maxFields: number;
}

/** Enough for the longest access token, and for a user with the maximum number of roles of maximum length. */
export const DEFAULT_LIMITS: RequestLimits = { maxBytes: 16 * 1024, maxFields: 128 };

/** Enough for a full BatchValidate, including its other fields and the length prefixes of the tokens. */
export const BATCH_LIMITS: RequestLimits = {
  maxBytes: MAX_BATCH_BYTES + 16 * 1024,
  maxFields: 2 * MAX_BATCH,
};

/** For health and reflection, whose requests contain only names. Their fields are not counted. */
export const LIBRARY_LIMITS: Pick<RequestLimits, 'maxBytes'> = { maxBytes: 4 * 1024 };
