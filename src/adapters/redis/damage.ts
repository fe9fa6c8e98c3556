/** Something in Redis that cannot be read as any release has written it. */
export interface Damage {
  readonly what: 'revocation';
  /** The entry's revision. */
  readonly id: string;
}

/** Told of damage each time it is met. Must not throw. */
export type OnDamage = (damage: Damage) => void;
