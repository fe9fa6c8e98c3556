import type { EndReason } from '../../core/audit/end-reason.ts';

/** The last millisecond of the year 9999, as far as a protobuf timestamp goes. */
export const LATEST_MS = 253_402_300_799_999;

const WHOLE_NUMBER = /^\d{1,15}$/;
/** The form of every `EndReason`, also of those that a later release may add. */
const REASON = /^[A-Z][A-Z_]{0,63}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Milliseconds since 1970; undefined: this is no time of ours. */
export function timeOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !WHOLE_NUMBER.test(text)) return undefined;
  const time = Number(text);
  return time <= LATEST_MS ? time : undefined;
}

/** UNSPECIFIED where it is not the name of a reason. */
export function reasonOf(text: unknown): EndReason {
  return typeof text === 'string' && REASON.test(text) ? (text as EndReason) : 'UNSPECIFIED';
}

/** Undefined: this is no id of a user or session. */
export function idOf(text: unknown): string | undefined {
  return typeof text === 'string' && UUID.test(text) ? text : undefined;
}
