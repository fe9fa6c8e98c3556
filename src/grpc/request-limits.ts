import { MAX_BATCH_BYTES } from './identity-fields.ts';

/** What a request may be before anything of it is decoded. */
export interface RequestLimits {
  readonly maxBytes: number;
}

/** Enough for the longest access token, and for the longest of every field of a user. */
export const USUAL_LIMITS: RequestLimits = { maxBytes: 16 * 1024 };

/** A full BatchValidate, with room for its other fields and what goes between tokens. */
export const BATCH_LIMITS: RequestLimits = { maxBytes: MAX_BATCH_BYTES + 16 * 1024 };

/** Health and reflection, which are decoded by the library: their requests are names. */
export const LIBRARY_LIMITS: RequestLimits = { maxBytes: 4 * 1024 };
