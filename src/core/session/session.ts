import type { EndReason } from '../audit/end-reason.ts';

/** What the caller says of the device. Empty strings: not known. */
export interface Device {
  readonly deviceId: string;
  readonly name: string;
  readonly platform: string;
}

/** A living session. All times are milliseconds since 1970. */
export interface Session {
  /** UUIDv7; its time is `createdAt`. */
  readonly sessionId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly device: Device;
  readonly ipAddress: string;
  /** RFC 8176 values, for example `pwd`. */
  readonly authenticationMethods: readonly string[];
  readonly createdAt: number;
  /** When it was last refreshed; `createdAt` before the first refresh. */
  readonly lastSeenAt: number;
  readonly idleDeadline: number;
  readonly absoluteDeadline: number;
  /** The generation of the refresh token that is current; the first is 1. */
  readonly generation: number;
  /** The user's when the session was opened. */
  readonly securityVersion: number;
}

/** A session that has ended, as its tombstone tells it. */
export interface EndedSession {
  readonly sessionId: string;
  readonly reason: EndReason;
  readonly endedAt: number;
  /** Where the ending stands in the revocation log; undefined: it is not known to have been logged. */
  readonly revision: string | undefined;
}

/** The durations that rule a session, in milliseconds, and how many a user may have. */
export interface SessionPolicy {
  readonly idleTtlMs: number;
  readonly maxTtlMs: number;
  readonly refreshGraceMs: number;
  readonly maxSessionsPerUser: number;
  /** How long the record of an ended session is kept, so that "why" can be answered. */
  readonly tombstoneTtlMs: number;
}
