import { MAX_BATCH, MAX_BATCH_BYTES } from './identity-fields.ts';

/** What a request may be before anything of it is decoded. */
export interface RequestLimits {
  readonly maxBytes: number;
  /** Those of nested messages included. A nested message, and an unknown field that has a length, counts as two. */
  readonly maxFields: number;
}

/** Enough for the longest access token, and for a user with all roles there can be, each at its longest. */
export const USUAL_LIMITS: RequestLimits = { maxBytes: 16 * 1024, maxFields: 128 };

/** A full BatchValidate, with room for its other fields and what goes between tokens. */
export const BATCH_LIMITS: RequestLimits = {
  maxBytes: MAX_BATCH_BYTES + 16 * 1024,
  maxFields: 2 * MAX_BATCH,
};

/** Health and reflection. Their requests are names, and what their libraries decode has no other bound. */
export const LIBRARY_LIMITS: Pick<RequestLimits, 'maxBytes'> = { maxBytes: 4 * 1024 };
