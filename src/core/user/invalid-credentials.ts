import { Failure } from '../failure.ts';

/** The same error for every failed login, so that the message does not reveal the cause. */
export function invalidCredentials(): Failure {
  return new Failure('INVALID_CREDENTIALS', 'Invalid username or password.');
}
