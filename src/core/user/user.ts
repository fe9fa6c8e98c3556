/** Someone who can sign in. */
export interface User {
  /** UUIDv7; never given to another user. */
  readonly userId: string;
  /** As it was given. */
  readonly username: string;
  /** As it is compared; see `canonicalUsername`. */
  readonly usernameKey: string;
  /** As `core/login/password-scheme` writes it. Never leaves the service. */
  readonly passwordHash: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970; undefined: enabled. */
  readonly disabledAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly passwordChangedAt: number;
  /** Grows by one with every change of the record. */
  readonly version: number;
  /**
   * Grows with every change that ends the user's sessions (disabled, password set, deleted). A login or
   * refresh that read the user before such a change carries the smaller number, and the session store
   * refuses it: this is what orders an ending against a sign-in under way, without comparing clocks.
   */
  readonly securityVersion: number;
}

/** The role that may call the admin services. */
export const ADMIN_ROLE = 'admin';
