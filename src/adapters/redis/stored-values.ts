import type { EndReason } from '../../core/audit/end-reason.ts';
import { UUID_TEXT } from '../../core/ids.ts';

/** A value in Redis that is not in the format of any known release. */
export interface Damage {
  readonly what: 'session' | 'revocation' | 'audit event';
  /** The session's id, the entry's revision, or the event's position in the outbox. */
  readonly id: string;
}

/** Called each time a damaged value is read. Must not throw. */
export type OnDamage = (damage: Damage) => void;

/** The last millisecond of the year 9999: the maximum of a protobuf Timestamp. */
export const LATEST_MS = 253_402_300_799_999;

const WHOLE_NUMBER = /^\d{1,15}$/;
/** The form of every `EndReason`, including those that a later release may add. */
const REASON = /^[A-Z][A-Z_]{0,63}$/;

/** Milliseconds since the Unix epoch; undefined if the text is not a valid time. */
export function timeOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !WHOLE_NUMBER.test(text)) return undefined;
  const time = Number(text);
  return time <= LATEST_MS ? time : undefined;
}

/** UNSPECIFIED if the text does not have the form of a reason. */
export function reasonOf(text: unknown): EndReason {
  return typeof text === 'string' && REASON.test(text) ? (text as EndReason) : 'UNSPECIFIED';
}

/** Undefined if the text is not a user or session id. */
export function idOf(text: unknown): string | undefined {
  return typeof text === 'string' && UUID_TEXT.test(text) ? text : undefined;
}

/** The fields of a hash from a list of field, value, … */
export function fieldsOf(list: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1] ?? '']] : [])),
  );
}
