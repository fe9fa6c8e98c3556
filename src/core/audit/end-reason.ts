/** Why a session ended: the names of `EndReason` in `proto/latchkey/v1/session.proto` without the prefix. */
export type EndReason =
  | 'UNSPECIFIED'
  | 'LOGGED_OUT'
  | 'REPLACED'
  | 'ENDED_BY_USER'
  | 'ENDED_BY_ADMIN'
  | 'REFRESH_TOKEN_REUSED'
  | 'PASSWORD_CHANGED'
  | 'USER_DISABLED'
  | 'USER_DELETED'
  | 'IDLE'
  | 'MAX_LIFETIME'
  | 'RISK';

/** Who ended a session: the names of `EndedBy` in the same file. */
export type EndedBy = 'UNSPECIFIED' | 'USER' | 'OPERATOR' | 'SERVICE';

const ENDED_BY: Readonly<Record<EndReason, EndedBy>> = {
  UNSPECIFIED: 'UNSPECIFIED',
  LOGGED_OUT: 'USER',
  REPLACED: 'USER',
  ENDED_BY_USER: 'USER',
  ENDED_BY_ADMIN: 'OPERATOR',
  REFRESH_TOKEN_REUSED: 'SERVICE',
  // The user changed it, or an operator.
  PASSWORD_CHANGED: 'UNSPECIFIED',
  USER_DISABLED: 'OPERATOR',
  USER_DELETED: 'OPERATOR',
  IDLE: 'SERVICE',
  MAX_LIFETIME: 'SERVICE',
  RISK: 'SERVICE',
};

/** Who ended a session, as far as the reason tells. A tombstone does not name the person. */
export function endedBy(reason: EndReason): EndedBy {
  // A later release may have written a reason that this one does not know.
  return Object.hasOwn(ENDED_BY, reason) ? ENDED_BY[reason] : 'UNSPECIFIED';
}
