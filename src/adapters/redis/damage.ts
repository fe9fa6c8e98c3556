/** A value in Redis that is not in the format of any known release. */
export interface Damage {
  readonly what: 'session' | 'revocation';
  /** The session's id, or the entry's revision. */
  readonly id: string;
}

/** Called each time a damaged value is read. Must not throw. */
export type OnDamage = (damage: Damage) => void;

/** A session record that cannot be parsed. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}
