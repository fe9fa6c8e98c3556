import { Failure } from '../failure.ts';

/** The same error for every failed login, so that the message does not reveal the cause. */
export function invalidCredentials(): Failure {
  return new Failure('INVALID_CREDENTIALS', 'Invalid username or password.');
}

/** No user has this id or username. */
export function userNotFound(): Failure {
  return new Failure('USER_NOT_FOUND', 'There is no such user.');
}

/** Another user has this username, or one that differs only in letter case or compatibility forms. */
export function usernameTaken(): Failure {
  return new Failure('USERNAME_TAKEN', 'This username belongs to another user.');
}

/** @param version the current version of the record, sent as `etag`. */
export function userChanged(version: number): Failure {
  return new Failure('USER_CHANGED', 'The user has changed since it was read; read it again.', {
    metadata: { etag: String(version) },
  });
}

/** The change would leave no user who can administer the others. */
export function lastAdmin(): Failure {
  return new Failure('LAST_ADMIN', 'This would leave no enabled user with the role admin.');
}
