import type { FieldIssues } from '../core/field-issues.ts';
import { UUID_TEXT } from '../core/ids.ts';
import { checkPasswordLength } from '../core/password/password-policy.ts';
import { checkRoles } from '../core/user/roles.ts';
import { checkNewUsername, checkUsername } from '../core/user/username.ts';
import type {
  CreateUserRequest,
  GetUserRequest,
  ListUsersRequest,
  SetPasswordRequest,
  UpdateUserRequest,
} from '../gen/latchkey/admin/v1/user.ts';
import { checkDevicePolicyMessage } from './messages/device-policy-message.ts';
import { checkPage } from './page.ts';

const UPDATABLE = ['username', 'roles', 'device_policy'];

/** `UserService` checks whether the password is easy to guess. It compares it with the username too. */
export function checkCreateUser(
  { username, roles, credential }: CreateUserRequest,
  issues: FieldIssues,
): void {
  issues.rule(() => checkNewUsername(username, 'username'));
  issues.rule(() => checkRoles(roles, 'roles'));
  if (credential === undefined) issues.add('credential', 'must have password or password_hash set');
  else if (credential.$case === 'password') {
    issues.rule(() => checkPasswordLength(credential.value, 'password'));
  }
}

export function checkGetUser({ key }: GetUserRequest, issues: FieldIssues): void {
  if (key === undefined) issues.add('key', 'must have user_id or username set');
  else if (key.$case === 'userId') checkUserId({ userId: key.value }, issues);
  else issues.rule(() => checkUsername(key.value, 'username'));
}

export function checkListUsers(request: ListUsersRequest, issues: FieldIssues): void {
  checkPage(request, UUID_TEXT, issues);
}

export function checkUpdateUser(request: UpdateUserRequest, issues: FieldIssues): void {
  const { username, roles, devicePolicy, updateMask = [], etag } = request;
  checkUserId(request, issues);
  if (updateMask.length === 0 || !updateMask.every((path) => UPDATABLE.includes(path))) {
    issues.add('update_mask', `must contain at least one of ${UPDATABLE.join(', ')}, and nothing else`);
  }
  if (updateMask.includes('username')) issues.rule(() => checkNewUsername(username, 'username'));
  if (updateMask.includes('roles')) issues.rule(() => checkRoles(roles, 'roles'));
  if (updateMask.includes('device_policy')) checkDevicePolicyMessage(devicePolicy, issues);
  if (etag !== '' && versionOf(etag) === undefined)
    issues.add('etag', 'must be the etag of a user, or empty');
}

export function checkSetPassword(request: SetPasswordRequest, issues: FieldIssues): void {
  checkUserId(request, issues);
  issues.rule(() => checkPasswordLength(request.password, 'password'));
}

export function checkUserId({ userId }: { readonly userId: string }, issues: FieldIssues): void {
  if (!UUID_TEXT.test(userId)) issues.add('user_id', 'must be a user id: a UUID in lower case');
}

/** The version in an etag. Undefined if the etag is not valid. */
export function versionOf(etag: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(etag) ? Number(etag) : undefined;
}
