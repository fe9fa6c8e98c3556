import { detailTime } from '../audit/audit-event.ts';
import type { ListedAuditEvent } from '../audit/audit-trail.ts';
import type { KnownEnd } from './known-end.ts';

/** A session that has ended, as far as the audit trail knows it. Empty text: not known. Times are milliseconds since 1970. */
export interface PastSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly deviceName: string;
  readonly platform: string;
  /** At sign-in. */
  readonly ipAddress: string;
  readonly createdAt: number;
  readonly absoluteDeadline: number | undefined;
  readonly end: KnownEnd;
}

/** @param signedIn the sign-in. Undefined: not in the trail. */
export function pastSession(
  ids: Pick<PastSession, 'sessionId' | 'userId' | 'createdAt'>,
  signedIn: ListedAuditEvent | undefined,
  end: KnownEnd,
): PastSession {
  return {
    ...ids,
    clientId: signedIn?.clientId ?? '',
    deviceName: signedIn?.details['device_name'] ?? '',
    platform: signedIn?.details['platform'] ?? '',
    ipAddress: signedIn?.ipAddress ?? '',
    absoluteDeadline: signedIn && detailTime(signedIn, 'absolute_deadline'),
    end,
  };
}
