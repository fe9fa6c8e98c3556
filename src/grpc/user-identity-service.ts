import type { IdentityAdministration } from '../core/administration/identity-administration.ts';
import type { FieldIssues } from '../core/field-issues.ts';
import { MAX_DISPLAY_NAME_BYTES } from '../core/user/identity-directory.ts';
import {
  LinkUserIdentityRequest,
  LinkUserIdentityResponse,
  ListUserIdentitiesRequest,
  ListUserIdentitiesResponse,
  UnlinkUserIdentityRequest,
  UnlinkUserIdentityResponse,
  UserIdentityServiceService,
} from '../gen/latchkey/admin/v1/user_identity.ts';
import { actorOf } from './call.ts';
import { checkIdentityKey } from './external-login-fields.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import { identityMessage } from './messages/identity-message.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import { checkUserId } from './user-fields.ts';

/** The core service behind UserIdentityService. */
export type UserIdentityCore = Pick<IdentityAdministration, 'list' | 'link' | 'unlink'>;

/** `latchkey.admin.v1.UserIdentityService`. */
export function userIdentityService(
  identities: UserIdentityCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = administrators(callerTokens);
  return unaryService(
    UserIdentityServiceService,
    {
      listUserIdentities: {
        request: ListUserIdentitiesRequest,
        response: ListUserIdentitiesResponse,
        callers,
        check: checkUserId,
        handle: async ({ userId }) => ({ identities: (await identities.list(userId)).map(identityMessage) }),
      },
      linkUserIdentity: {
        request: LinkUserIdentityRequest,
        response: LinkUserIdentityResponse,
        callers,
        check: checkLink,
        handle: async ({ userId, ...account }, call) => ({
          identity: identityMessage(await identities.link(userId, account, actorOf(call))),
        }),
      },
      unlinkUserIdentity: {
        request: UnlinkUserIdentityRequest,
        response: UnlinkUserIdentityResponse,
        callers,
        check: checkUnlink,
        handle: async ({ userId, ...key }, call) => {
          await identities.unlink(userId, key, actorOf(call));
          return {};
        },
      },
    },
    environment,
  );
}

function checkLink(request: LinkUserIdentityRequest, issues: FieldIssues): void {
  checkUnlink(request, issues);
  issues.text('display_name', request.displayName, { max: MAX_DISPLAY_NAME_BYTES });
}

function checkUnlink(
  request: Pick<UnlinkUserIdentityRequest, 'userId' | 'provider' | 'subject'>,
  issues: FieldIssues,
): void {
  checkUserId(request, issues);
  checkIdentityKey(request, issues);
}
