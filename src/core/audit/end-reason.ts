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
