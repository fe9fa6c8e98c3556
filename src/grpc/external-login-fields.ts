import type { FieldIssues } from '../core/field-issues.ts';
import { RANDOM_ID, RANDOM_SECRET } from '../core/sign-in/random-secrets.ts';
import { MAX_SUBJECT_BYTES } from '../core/user/identity-directory.ts';
import type {
  BeginExternalLoginRequest,
  CompleteExternalLoginRequest,
  UnlinkIdentityRequest,
} from '../gen/latchkey/v1/external_login.ts';
import { checkDeviceToken, checkEndSessionId, checkNewSession, checkOrigin } from './identity-fields.ts';

const MAX_PROVIDER_BYTES = 32;
const MAX_QUERY_BYTES = 8_192;

export function checkBeginExternalLogin(
  { provider, origin }: BeginExternalLoginRequest,
  issues: FieldIssues,
): void {
  checkProvider(provider, issues);
  checkOrigin(origin, issues);
}

export function checkCompleteExternalLogin(request: CompleteExternalLoginRequest, issues: FieldIssues): void {
  const { provider, callbackQuery, flowSecret, deviceToken, endSessionId } = request;
  checkProvider(provider, issues);
  if (callbackQuery.length > MAX_QUERY_BYTES || Buffer.byteLength(callbackQuery) > MAX_QUERY_BYTES) {
    issues.add('callback_query', `must be at most ${MAX_QUERY_BYTES} bytes`);
  } else if (flowIdIn(new URLSearchParams(callbackQuery)) === undefined) {
    issues.add('callback_query', 'must have exactly one `state`, the flow_id of BeginExternalLoginResponse');
  }
  if (!RANDOM_SECRET.test(flowSecret)) {
    issues.add('flow_secret', 'must be the flow_secret of BeginExternalLoginResponse');
  }
  checkDeviceToken(deviceToken, issues);
  checkEndSessionId(endSessionId, issues);
  checkNewSession(request, issues);
}

export function checkIdentityKey(
  { provider, subject }: Pick<UnlinkIdentityRequest, 'provider' | 'subject'>,
  issues: FieldIssues,
): void {
  checkProvider(provider, issues);
  issues.text('subject', subject, { min: 1, max: MAX_SUBJECT_BYTES });
}

export function checkUnlinkIdentity(request: UnlinkIdentityRequest, issues: FieldIssues): void {
  checkIdentityKey(request, issues);
  checkOrigin(request.origin, issues);
}

/** Undefined: the query has no flow id, or several. */
export function flowIdIn(query: URLSearchParams): string | undefined {
  const states = query.getAll('state');
  return states.length === 1 && RANDOM_ID.test(states[0] ?? '') ? states[0] : undefined;
}

function checkProvider(provider: string, issues: FieldIssues): void {
  issues.text('provider', provider, { min: 1, max: MAX_PROVIDER_BYTES });
}
