/** Something in Redis that cannot be read as any release has written it. */
export interface Damage {
  readonly what: 'session' | 'revocation';
  /** The session's id, or the entry's revision. */
  readonly id: string;
}

/** Told of damage each time it is met. Must not throw. */
export type OnDamage = (damage: Damage) => void;

/** The record of a session cannot be read. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}
