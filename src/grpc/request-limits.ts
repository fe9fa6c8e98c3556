import { MAX_BATCH, MAX_BATCH_BYTES } from './identity-fields.ts';

/** How large the request of an rpc may be. */
export interface RequestLimits {
  readonly maxBytes: number;
  /** Includes fields of nested messages. A nested message, and an unknown field that has a length, counts as two. */
  readonly maxFields: number;
}

/** Enough for the longest access token, and for a user with the most roles, each of the longest name. */
export const USUAL_LIMITS: RequestLimits = { maxBytes: 16 * 1024, maxFields: 128 };

/** A full BatchValidate, with room for its other fields and the prefixes of the tokens. */
export const BATCH_LIMITS: RequestLimits = {
  maxBytes: MAX_BATCH_BYTES + 16 * 1024,
  maxFields: 2 * MAX_BATCH,
};

/** Health and reflection. Their requests hold names only; their fields are not counted. */
export const LIBRARY_LIMITS: Pick<RequestLimits, 'maxBytes'> = { maxBytes: 4 * 1024 };
