import { createHash } from 'node:crypto';
import type { EndReason } from '../audit/end-reason.ts';
import type { DevicePolicy } from '../user/device-policy.ts';

/** The device as the caller describes it. Empty strings: unknown. */
export interface Device {
  readonly deviceId: string;
  readonly name: string;
  readonly platform: string;
}

/** Facts that an application keeps with a session, by name. Empty: none. */
export type Labels = Readonly<Record<string, string>>;

/** Names a session. */
export interface SessionRef {
  readonly userId: string;
  readonly sessionId: string;
}

/** A living session. All times are milliseconds since 1970. */
export interface Session {
  /** UUIDv7; its timestamp is `createdAt`. */
  readonly sessionId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly device: Device;
  /** At sign-in; empty: unknown. */
  readonly ipAddress: string;
  /** At the last refresh whose address is known; `ipAddress` before the first refresh. */
  readonly latestIpAddress: string;
  readonly labels: Labels;
  /** At sign-in no earlier sign-in of the user from this device was known. */
  readonly isNewDevice: boolean;
  /** RFC 8176 values, for example `pwd`. */
  readonly authenticationMethods: readonly string[];
  readonly createdAt: number;
  /** When the session was last refreshed; before the first refresh, when it was opened. */
  readonly lastSeenAt: number;
  readonly idleDeadline: number;
  readonly absoluteDeadline: number;
  /** The generation of the current refresh token; the first is 1. */
  readonly generation: number;
  /** The user's security version when the session was opened. */
  readonly securityVersion: number;
}

/** Orders sessions by sign-in, oldest first: a session id begins with its creation time. */
export function bySignIn(a: { readonly sessionId: string }, b: { readonly sessionId: string }): number {
  return a.sessionId < b.sessionId ? -1 : 1;
}

/** Characters of a device mark: 132 bits. */
const MARK_LENGTH = 22;

/** Stands for a device of an application in the audit trail. Empty: the device has no id. */
export function deviceMark({ clientId, device }: Pick<Session, 'clientId' | 'device'>): string {
  if (device.deviceId === '') return '';
  const text = JSON.stringify([clientId, device.deviceId]);
  return createHash('sha256').update(text).digest('base64url').slice(0, MARK_LENGTH);
}

/** The tokens of a session. Times are milliseconds since 1970. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: number;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: number;
}

/** The content of a tombstone. */
export interface EndedSession {
  readonly sessionId: string;
  readonly reason: EndReason;
  readonly endedAt: number;
  /** The revision of the end in the revocation log; undefined: not known to be logged. */
  readonly revision: string | undefined;
  /** When it was last logged; undefined: not known. */
  readonly loggedAt?: number | undefined;
}

/** What a person who knows the password may see of a session of the user. Times are milliseconds since 1970. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly deviceName: string;
  readonly platform: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
}

export function summaryOf({ sessionId, device, createdAt, lastSeenAt }: Session): SessionSummary {
  return { sessionId, deviceName: device.name, platform: device.platform, createdAt, lastSeenAt };
}

/** Session durations in milliseconds, and the policy of users without one of their own. */
export interface SessionPolicy {
  readonly idleTtlMs: number;
  readonly maxTtlMs: number;
  readonly refreshGraceMs: number;
  readonly devicePolicy: DevicePolicy;
  /** How long the tombstone of an ended session is kept. */
  readonly tombstoneTtlMs: number;
}
