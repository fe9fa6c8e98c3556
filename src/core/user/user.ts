import type { DevicePolicy } from './device-policy.ts';

/** A user who can sign in. */
export interface User {
  /** UUIDv7; never reused. */
  readonly userId: string;
  /** The username as it was given. */
  readonly username: string;
  /** The username as it is compared; see `canonicalUsername`. */
  readonly usernameKey: string;
  /** The format of `core/password/password-scheme`. Never leaves the service. */
  readonly passwordHash: string;
  readonly roles: readonly string[];
  /** Undefined: none of their own; see `limitOf`. */
  readonly devicePolicy: DevicePolicy | undefined;
  /** Milliseconds since 1970; undefined: enabled. */
  readonly disabledAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly passwordChangedAt: number;
  /** Incremented by every change of the record. */
  readonly version: number;
  /**
   * Incremented by every change that ends the user's sessions (disabled, password set, deleted).
   * The session store rejects a login or refresh that read an older version. So no clocks are compared to order an end
   * and a concurrent sign-in.
   */
  readonly securityVersion: number;
  /** The session that the last such change did not end, whatever version it was opened under. Undefined: none. */
  readonly keptSessionId: string | undefined;
}

/** The role of an account that services share. It may validate tokens. */
export const SERVICE_ROLE = 'service';

/** The role that is required to call the admin services. */
export const ADMIN_ROLE = 'admin';
