import { checkNewPassword } from '../core/password/password-policy.ts';
import { checkRoles } from '../core/user/roles.ts';
import { checkNewUsername, checkUsername } from '../core/user/username.ts';
import type {
  CreateUserRequest,
  GetUserRequest,
  ListUsersRequest,
  SetPasswordRequest,
  UpdateUserRequest,
} from '../gen/latchkey/admin/v1/user.ts';
import type { FieldIssues } from './field-issues.ts';
import { versionOf } from './messages/user-message.ts';
import { checkPage } from './page.ts';

/** A user id (RFC 9562). Other text is refused before the lookup, because databases restrict text values. */
const USER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const UPDATABLE = ['username', 'roles'];

export function checkCreateUser(
  { username, roles, credential }: CreateUserRequest,
  faults: FieldIssues,
): void {
  faults.rule(() => checkNewUsername(username, 'username'));
  faults.rule(() => checkRoles(roles, 'roles'));
  if (credential === undefined) faults.add('credential', 'must have password or password_hash set');
  else if (credential.$case === 'password') {
    faults.rule(() => checkNewPassword(credential.value, 'password'));
  }
}

export function checkGetUser({ key }: GetUserRequest, faults: FieldIssues): void {
  if (key === undefined) faults.add('key', 'must have user_id or username set');
  else if (key.$case === 'userId') checkUserId({ userId: key.value }, faults);
  else faults.rule(() => checkUsername(key.value, 'username'));
}

export function checkListUsers(request: ListUsersRequest, faults: FieldIssues): void {
  checkPage(request, USER_ID, faults);
}

export function checkUpdateUser(request: UpdateUserRequest, faults: FieldIssues): void {
  const { username, roles, updateMask = [], etag } = request;
  checkUserId(request, faults);
  if (updateMask.length === 0 || !updateMask.every((path) => UPDATABLE.includes(path))) {
    faults.add('update_mask', `must contain at least one of ${UPDATABLE.join(', ')}, and nothing else`);
  }
  if (updateMask.includes('username')) faults.rule(() => checkNewUsername(username, 'username'));
  if (updateMask.includes('roles')) faults.rule(() => checkRoles(roles, 'roles'));
  if (etag !== '' && versionOf(etag) === undefined)
    faults.add('etag', 'must be the etag of a user, or empty');
}

export function checkSetPassword(request: SetPasswordRequest, faults: FieldIssues): void {
  checkUserId(request, faults);
  faults.rule(() => checkNewPassword(request.password, 'password'));
}

export function checkUserId({ userId }: { readonly userId: string }, faults: FieldIssues): void {
  if (!USER_ID.test(userId)) faults.add('user_id', 'must be a user id: a UUID in lower case');
}
