import type { UserService } from '../core/administration/user-service.ts';
import type { QueueCaller } from '../core/password/password-queue.ts';
import type { User as DomainUser } from '../core/user/user.ts';
import {
  CreateUserRequest,
  CreateUserResponse,
  DeleteUserRequest,
  DeleteUserResponse,
  type DevicePolicy,
  DisableUserRequest,
  DisableUserResponse,
  EnableUserRequest,
  EnableUserResponse,
  GetUserRequest,
  GetUserResponse,
  LiftLoginLimitsRequest,
  LiftLoginLimitsResponse,
  ListUsersRequest,
  ListUsersResponse,
  SetPasswordRequest,
  SetPasswordResponse,
  UpdateUserRequest,
  UpdateUserResponse,
  type User,
  UserServiceService,
} from '../gen/latchkey/admin/v1/user.ts';
import { actorOf, type Call, callSource, type Interceptor } from './call.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import { devicePolicyMessage, devicePolicyOf } from './messages/device-policy-message.ts';
import { afterOf, pageSizeOf, pageTokenOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import {
  checkCreateUser,
  checkGetUser,
  checkListUsers,
  checkSetPassword,
  checkUpdateUser,
  checkUserId,
  versionOf,
} from './user-fields.ts';

/** The core service behind admin.UserService. */
export type UserCore = Pick<
  UserService,
  'create' | 'get' | 'list' | 'update' | 'setPassword' | 'disable' | 'enable' | 'delete' | 'liftLoginLimits'
>;

/** `latchkey.admin.v1.UserService`. */
export function userService(
  users: UserCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = administrators(callerTokens);
  return unaryService(
    UserServiceService,
    {
      createUser: {
        request: CreateUserRequest,
        response: CreateUserResponse,
        callers,
        check: checkCreateUser,
        handle: (request, call) => createUser(users, request, call),
      },
      getUser: {
        request: GetUserRequest,
        response: GetUserResponse,
        callers,
        check: checkGetUser,
        handle: (request) => getUser(users, request),
      },
      listUsers: {
        request: ListUsersRequest,
        response: ListUsersResponse,
        callers,
        check: checkListUsers,
        handle: (request) => listUsers(users, request),
      },
      updateUser: {
        request: UpdateUserRequest,
        response: UpdateUserResponse,
        callers,
        check: checkUpdateUser,
        handle: (request, call) => updateUser(users, request, call),
      },
      setPassword: {
        request: SetPasswordRequest,
        response: SetPasswordResponse,
        callers,
        check: checkSetPassword,
        handle: (request, call) => setPassword(users, request, call),
      },
      ...userIdMethods(users, callers),
    },
    environment,
  );
}

/** The methods whose request is only a user id. */
function userIdMethods(users: UserCore, callers: Interceptor) {
  return {
    disableUser: {
      request: DisableUserRequest,
      response: DisableUserResponse,
      callers,
      check: checkUserId,
      handle: async ({ userId }: DisableUserRequest, call: Call): Promise<DisableUserResponse> => {
        const { user, revision } = await users.disable(userId, actorOf(call));
        return { user: userMessage(user), revision };
      },
    },
    enableUser: {
      request: EnableUserRequest,
      response: EnableUserResponse,
      callers,
      check: checkUserId,
      handle: async ({ userId }: EnableUserRequest, call: Call): Promise<EnableUserResponse> => ({
        user: userMessage(await users.enable(userId, actorOf(call))),
      }),
    },
    deleteUser: {
      request: DeleteUserRequest,
      response: DeleteUserResponse,
      callers,
      check: checkUserId,
      handle: ({ userId }: DeleteUserRequest, call: Call): Promise<DeleteUserResponse> =>
        users.delete(userId, actorOf(call)),
    },
    liftLoginLimits: {
      request: LiftLoginLimitsRequest,
      response: LiftLoginLimitsResponse,
      callers,
      check: checkUserId,
      handle: async ({ userId }: LiftLoginLimitsRequest, call: Call): Promise<LiftLoginLimitsResponse> => ({
        user: userMessage(await users.liftLoginLimits(userId, actorOf(call))),
      }),
    },
  };
}

async function createUser(
  users: UserCore,
  { username, roles, credential }: CreateUserRequest,
  call: Call,
): Promise<CreateUserResponse> {
  const value = credential?.value ?? '';
  const given = credential?.$case === 'passwordHash' ? { passwordHash: value } : { password: value };
  const user = await users.create({ username, roles, ...given }, actorOf(call), queueCaller(call));
  return { user: userMessage(user) };
}

async function getUser(users: UserCore, { key }: GetUserRequest): Promise<GetUserResponse> {
  const value = key?.value ?? '';
  const user = await users.get(key?.$case === 'username' ? { username: value } : { userId: value });
  return { user: userMessage(user) };
}

async function listUsers(users: UserCore, request: ListUsersRequest): Promise<ListUsersResponse> {
  const page = await users.list(pageSizeOf(request), afterOf(request));
  return {
    users: page.users.map(userMessage),
    nextPageToken: page.next === undefined ? '' : pageTokenOf(page.next),
  };
}

async function updateUser(
  users: UserCore,
  request: UpdateUserRequest,
  call: Call,
): Promise<UpdateUserResponse> {
  const { userId, username, roles, devicePolicy, updateMask = [], etag } = request;
  const change = {
    ...(updateMask.includes('username') && { username }),
    ...(updateMask.includes('roles') && { roles }),
    ...(updateMask.includes('device_policy') && { devicePolicy: devicePolicyChange(devicePolicy) }),
  };
  return { user: userMessage(await users.update(userId, change, actorOf(call), versionOf(etag))) };
}

/** Null removes the user's policy. */
function devicePolicyChange(policy: DevicePolicy | undefined) {
  return policy === undefined ? null : (devicePolicyOf(policy) ?? null);
}

async function setPassword(
  users: UserCore,
  { userId, password }: SetPasswordRequest,
  call: Call,
): Promise<SetPasswordResponse> {
  const { user, revision } = await users.setPassword(userId, password, actorOf(call), queueCaller(call));
  return { user: userMessage(user), revision };
}

function queueCaller(call: Call): QueueCaller {
  return { source: callSource(call, 'administration'), signal: call.signal };
}

function userMessage(user: DomainUser): User {
  return {
    userId: user.userId,
    username: user.username,
    roles: user.roles,
    devicePolicy: devicePolicyMessage(user.devicePolicy),
    disabledAt: user.disabledAt === undefined ? undefined : new Date(user.disabledAt),
    createdAt: new Date(user.createdAt),
    updatedAt: new Date(user.updatedAt),
    passwordChangedAt: new Date(user.passwordChangedAt),
    etag: String(user.version),
  };
}
