import { checkNewPassword } from '../core/login/password-policy.ts';
import { checkRoles } from '../core/user/roles.ts';
import { checkNewUsername, checkUsername } from '../core/user/username.ts';
import type {
  CreateUserRequest,
  GetUserRequest,
  ListUsersRequest,
  SetPasswordRequest,
  UpdateUserRequest,
} from '../gen/latchkey/admin/v1/user.ts';
import type { FieldFaults } from './field-faults.ts';
import { versionOf } from './messages/user-message.ts';
import { checkPage } from './page.ts';

/** The form of a user id (RFC 9562). Nothing else is looked up: databases have views on what a text may hold. */
const USER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const UPDATABLE = ['username', 'roles'];

export function checkCreateUser(
  { username, roles, credential }: CreateUserRequest,
  faults: FieldFaults,
): void {
  faults.rule(() => checkNewUsername(username, 'username'));
  faults.rule(() => checkRoles(roles, 'roles'));
  if (credential === undefined) faults.add('credential', 'one of password and password_hash must be set');
  else if (credential.$case === 'password') {
    faults.rule(() => checkNewPassword(credential.value, 'password'));
  }
}

export function checkGetUser({ key }: GetUserRequest, faults: FieldFaults): void {
  if (key === undefined) faults.add('key', 'one of user_id and username must be set');
  else if (key.$case === 'userId') checkUserId({ userId: key.value }, faults);
  else faults.rule(() => checkUsername(key.value, 'username'));
}

export function checkListUsers(request: ListUsersRequest, faults: FieldFaults): void {
  checkPage(request, USER_ID, faults);
}

export function checkUpdateUser(request: UpdateUserRequest, faults: FieldFaults): void {
  const { username, roles, updateMask = [], etag } = request;
  checkUserId(request, faults);
  if (updateMask.length === 0 || !updateMask.every((path) => UPDATABLE.includes(path))) {
    faults.add('update_mask', `must name at least one of ${UPDATABLE.join(', ')} and nothing else`);
  }
  if (updateMask.includes('username')) faults.rule(() => checkNewUsername(username, 'username'));
  if (updateMask.includes('roles')) faults.rule(() => checkRoles(roles, 'roles'));
  if (etag !== '' && versionOf(etag) === undefined)
    faults.add('etag', 'must be the etag of a user, or empty');
}

export function checkSetPassword(request: SetPasswordRequest, faults: FieldFaults): void {
  checkUserId(request, faults);
  faults.rule(() => checkNewPassword(request.password, 'password'));
}

export function checkUserId({ userId }: { readonly userId: string }, faults: FieldFaults): void {
  if (!USER_ID.test(userId)) faults.add('user_id', 'must be the id of a user, a UUID in lower case');
}
