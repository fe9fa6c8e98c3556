import { Failure } from '../failure.ts';

/** The one answer to a login that fails: it says nothing of why, not even in its wording. */
export function invalidCredentials(): Failure {
  return new Failure('INVALID_CREDENTIALS', 'Username and password do not open a session.');
}
