import type { DevicePolicy, LatchkeyClient, User } from '../client/index.ts';
import { sent } from './action.ts';
import { allPages } from './all-pages.ts';

export interface UserChange {
  readonly rename?: string;
  readonly addRole: readonly string[];
  readonly removeRole: readonly string[];
  /** `none` removes it. */
  readonly policy: DevicePolicy | 'none' | undefined;
}

/** How the help describes an argument that `findUser` takes. */
export const USER = 'username or id; a value in the form of a UUID is an id';

const PAGE_SIZE = 500;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Finds a user by id if the name has the form of a UUID, otherwise by username. */
export async function findUser(client: LatchkeyClient, name: string, signal: AbortSignal): Promise<User> {
  const key = UUID.test(name)
    ? ({ $case: 'userId', value: name.toLowerCase() } as const)
    : ({ $case: 'username', value: name } as const);
  const { user } = await client.users.getUser({ key }, { signal });
  return sent(user);
}

export function everyUser(client: LatchkeyClient, signal: AbortSignal): Promise<readonly User[]> {
  return allPages(
    (pageToken) => client.users.listUsers({ pageSize: PAGE_SIZE, pageToken }, { signal }),
    ({ users }) => users,
  );
}

/** Updates the user by its etag. Fails with USER_CHANGED if the user has changed since it was read. */
export async function updateUser(
  client: LatchkeyClient,
  user: User,
  { rename, addRole, removeRole, policy }: UserChange,
  signal: AbortSignal,
): Promise<User> {
  const roles = new Set([...user.roles, ...addRole].filter((role) => !removeRole.includes(role)));
  const changesRoles = addRole.length + removeRole.length > 0;
  const request = {
    userId: user.userId,
    username: rename ?? '',
    roles: [...roles],
    devicePolicy: policy === 'none' ? undefined : policy,
    updateMask: [
      ...(rename === undefined ? [] : ['username']),
      ...(changesRoles ? ['roles'] : []),
      ...(policy === undefined ? [] : ['device_policy']),
    ],
    etag: user.etag,
  };
  return sent((await client.users.updateUser(request, { signal })).user);
}
