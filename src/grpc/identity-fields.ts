import type { FieldIssues } from '../core/field-issues.ts';
import { UUID_TEXT } from '../core/ids.ts';
import { MAX_USERNAME_BYTES } from '../core/user/username.ts';
import type {
  BatchValidateRequest,
  LoginRequest,
  LogoutRequest,
  RefreshRequest,
} from '../gen/latchkey/v1/identity.ts';
import type { Origin } from '../gen/latchkey/v1/session.ts';
import { Consistency } from '../gen/latchkey/v1/validation.ts';
import { MAX_TOKEN_LENGTH } from '../validator/access-token.ts';
import { isRevision } from '../validator/revision.ts';
import type { RequirementFields } from './messages/verdict-message.ts';
import { isAddress } from './peer-address.ts';

/** The maximum number of access tokens in one BatchValidate. */
export const MAX_BATCH = 256;
/** The maximum total size of the tokens, in bytes. A typical token has about 600 bytes. */
export const MAX_BATCH_BYTES = 256 * 1024;

/** Our refresh tokens have 96 bytes. */
const MAX_REFRESH_TOKEN_BYTES = 512;
/** Our device tokens have 96 bytes. */
const MAX_DEVICE_TOKEN_BYTES = 512;
const MAX_CLIENT_ID_BYTES = 64;
const MAX_DEVICE_ID_BYTES = 64;
const MAX_DEVICE_NAME_BYTES = 64;
const MAX_PLATFORM_BYTES = 64;
const MAX_LABELS = 8;
const LABEL_KEY = /^[a-z0-9_.-]{1,32}$/;
const MAX_LABEL_BYTES = 64;
const MAX_AUDIENCE_BYTES = 256;

/**
 * The password is not checked here. One that is too long gets the same answer as a wrong one, in the same time.
 * `LoginService` checks whether this service issued the device token.
 */
export function checkLogin(
  { username, clientId, device, origin, deviceToken, labels, endSessionId }: LoginRequest,
  issues: FieldIssues,
): void {
  issues.text('username', username, { min: 1, max: MAX_USERNAME_BYTES });
  checkDeviceToken(deviceToken, issues);
  checkEndSessionId(endSessionId, issues);
  checkNewSession({ clientId, device, origin, labels }, issues);
}

/** What a new session gets. */
export function checkNewSession(
  { clientId, device, origin, labels }: Pick<LoginRequest, 'clientId' | 'device' | 'origin' | 'labels'>,
  issues: FieldIssues,
): void {
  issues.text('client_id', clientId, { max: MAX_CLIENT_ID_BYTES });
  checkOrigin(origin, issues);
  checkLabels(labels, issues);
  if (device === undefined) return;
  issues.text('device.device_id', device.deviceId, { max: MAX_DEVICE_ID_BYTES });
  issues.text('device.name', device.name, { max: MAX_DEVICE_NAME_BYTES });
  issues.text('device.platform', device.platform, { max: MAX_PLATFORM_BYTES });
}

export function checkEndSessionId(endSessionId: string, issues: FieldIssues): void {
  if (endSessionId !== '' && !UUID_TEXT.test(endSessionId)) {
    issues.add('end_session_id', 'must be a session id: a UUID in lower case');
  }
}

export function checkDeviceToken(deviceToken: string, issues: FieldIssues): void {
  issues.text('device_token', deviceToken, { max: MAX_DEVICE_TOKEN_BYTES });
}

export function checkRefresh({ refreshToken, clientId, origin }: RefreshRequest, issues: FieldIssues): void {
  issues.text('refresh_token', refreshToken, { min: 1, max: MAX_REFRESH_TOKEN_BYTES });
  issues.text('client_id', clientId, { max: MAX_CLIENT_ID_BYTES });
  checkOrigin(origin, issues);
}

export function checkLogout({ token }: LogoutRequest, issues: FieldIssues): void {
  if (token === undefined) {
    issues.add('token', 'must have refresh_token or access_token set');
  } else if (token.$case === 'refreshToken') {
    issues.text('refresh_token', token.value, { min: 1, max: MAX_REFRESH_TOKEN_BYTES });
  } else {
    issues.text('access_token', token.value, { min: 1, max: MAX_TOKEN_LENGTH });
  }
}

export function checkBatchValidate(request: BatchValidateRequest, issues: FieldIssues): void {
  const { length } = request.accessTokens;
  if (length < 1 || length > MAX_BATCH) {
    issues.add('access_tokens', `must have 1 to ${MAX_BATCH} tokens; it has ${length}`);
  }
  const bytes = request.accessTokens.reduce((sum, token) => sum + Buffer.byteLength(token), 0);
  if (bytes > MAX_BATCH_BYTES) {
    issues.add('access_tokens', `must have at most ${MAX_BATCH_BYTES} bytes in total; it has ${bytes}`);
  }
  checkRequirements(request, issues);
}

function checkLabels(labels: LoginRequest['labels'], issues: FieldIssues): void {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) {
    issues.add('labels', `must have at most ${MAX_LABELS} entries; it has ${entries.length}`);
    return;
  }
  for (const [key, value] of entries) {
    if (LABEL_KEY.test(key)) issues.text(`labels.${key}`, value, { max: MAX_LABEL_BYTES });
    else issues.add('labels', 'must have keys of 1 to 32 characters of a-z 0-9 _ . -');
  }
}

/** An address that a front states. */
export function checkOrigin(origin: Origin | undefined, issues: FieldIssues): void {
  if (origin === undefined) return;
  const { ipAddress } = origin;
  if (!isAddress(ipAddress)) {
    issues.add('origin.ip_address', 'must be an IPv4 or IPv6 address without a port or zone');
  }
}

/** Tokens are not checked here. A missing or overlong token gets a rejection, not an error. */
export function checkRequirements(
  { consistency, audience, atLeastRevision }: RequirementFields,
  issues: FieldIssues,
): void {
  // The decoder keeps unknown enum values. A newer caller may send one.
  if (consistency < Consistency.UNSPECIFIED || consistency > Consistency.STRONG) {
    issues.add('consistency', 'must be CONSISTENCY_BOUNDED or CONSISTENCY_STRONG');
  }
  if (audience !== '') issues.text('audience', audience, { max: MAX_AUDIENCE_BYTES });
  if (atLeastRevision !== '' && !isRevision(atLeastRevision)) {
    issues.add('at_least_revision', 'must be a revision returned by Logout or Validate');
  }
}
