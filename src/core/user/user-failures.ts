import { Failure } from '../failure.ts';

/** No user with this id or name. */
export function userNotFound(): Failure {
  return new Failure('USER_NOT_FOUND', 'There is no such user.');
}

/** Another user has this username, or one that differs in letter case or compatibility forms only. */
export function usernameTaken(): Failure {
  return new Failure('USERNAME_TAKEN', 'This username belongs to another user.');
}

/** @param version the record's current one: the `etag` to read it again by. */
export function userChanged(version: number): Failure {
  return new Failure('USER_CHANGED', 'The user was changed since it was read: read it again.', {
    metadata: { etag: String(version) },
  });
}

/** Somebody has to be able to let the others in. */
export function lastAdmin(): Failure {
  return new Failure('LAST_ADMIN', 'This would leave no enabled user with the role admin.');
}
