import { isIP } from 'node:net';
import { MAX_USERNAME_BYTES } from '../core/user/username.ts';
import type {
  BatchValidateRequest,
  LoginRequest,
  LogoutRequest,
  Origin,
  RefreshRequest,
  ValidateRequest,
} from '../gen/latchkey/v1/identity.ts';
import { Consistency } from '../gen/latchkey/v1/validation.ts';
import { MAX_TOKEN_LENGTH } from '../validator/access-token.ts';
import { isRevision } from '../validator/revision.ts';
import type { FieldFaults } from './field-faults.ts';
import type { DemandFields } from './messages/verdict-message.ts';

/** The most access tokens in one BatchValidate. */
export const MAX_BATCH = 256;
/** All of them together, in bytes. Tokens are about 600: a full batch of common ones has room to spare. */
export const MAX_BATCH_BYTES = 256 * 1024;

/** A refresh token of ours is 96 bytes; whatever is longer than this is none. */
const MAX_REFRESH_TOKEN_BYTES = 512;
const MAX_CLIENT_ID_BYTES = 64;
const MAX_DEVICE_ID_BYTES = 64;
const MAX_DEVICE_NAME_BYTES = 64;
const MAX_PLATFORM_BYTES = 64;
const MAX_AUDIENCE_BYTES = 256;
/** The longest form of an IPv6 address. */
const MAX_ADDRESS_LENGTH = 45;

/** The password has no bounds here: one too long is answered like one that is wrong, and in the same time. */
export function checkLogin({ username, clientId, device, origin }: LoginRequest, faults: FieldFaults): void {
  faults.text('username', username, { min: 1, max: MAX_USERNAME_BYTES });
  faults.text('client_id', clientId, { max: MAX_CLIENT_ID_BYTES });
  checkOrigin(origin, faults);
  if (device === undefined) return;
  faults.text('device.device_id', device.deviceId, { max: MAX_DEVICE_ID_BYTES });
  faults.text('device.name', device.name, { max: MAX_DEVICE_NAME_BYTES });
  faults.text('device.platform', device.platform, { max: MAX_PLATFORM_BYTES });
}

export function checkRefresh({ refreshToken, clientId, origin }: RefreshRequest, faults: FieldFaults): void {
  faults.text('refresh_token', refreshToken, { min: 1, max: MAX_REFRESH_TOKEN_BYTES });
  faults.text('client_id', clientId, { max: MAX_CLIENT_ID_BYTES });
  checkOrigin(origin, faults);
}

export function checkLogout({ token }: LogoutRequest, faults: FieldFaults): void {
  if (token === undefined) {
    faults.add('token', 'one of refresh_token and access_token must be set');
  } else if (token.$case === 'refreshToken') {
    faults.text('refresh_token', token.value, { min: 1, max: MAX_REFRESH_TOKEN_BYTES });
  } else {
    faults.text('access_token', token.value, { min: 1, max: MAX_TOKEN_LENGTH });
  }
}

/** The token itself has no bounds here: one too long, or none, is a verdict and not a fault of the caller. */
export function checkValidate(request: ValidateRequest, faults: FieldFaults): void {
  checkDemand(request, faults);
}

export function checkBatchValidate(request: BatchValidateRequest, faults: FieldFaults): void {
  const { length } = request.accessTokens;
  if (length < 1 || length > MAX_BATCH) {
    faults.add('access_tokens', `must be 1 to ${MAX_BATCH} tokens, not ${length}`);
  }
  const bytes = request.accessTokens.reduce((sum, token) => sum + Buffer.byteLength(token), 0);
  if (bytes > MAX_BATCH_BYTES) {
    faults.add('access_tokens', `must be at most ${MAX_BATCH_BYTES} bytes together, not ${bytes}`);
  }
  checkDemand(request, faults);
}

function checkOrigin(origin: Origin | undefined, faults: FieldFaults): void {
  if (origin === undefined) return;
  const { ipAddress } = origin;
  if (ipAddress.length > MAX_ADDRESS_LENGTH || ipAddress.includes('%') || isIP(ipAddress) === 0) {
    faults.add('origin.ip_address', 'must be an IPv4 or IPv6 address without port and zone');
  }
}

function checkDemand({ consistency, audience, atLeastRevision }: DemandFields, faults: FieldFaults): void {
  // The decoder keeps numbers that the enum does not have: a newer caller may ask for what is not known here.
  if (consistency < Consistency.UNSPECIFIED || consistency > Consistency.STRONG) {
    faults.add('consistency', 'must be CONSISTENCY_BOUNDED or CONSISTENCY_STRONG');
  }
  if (audience !== '') faults.text('audience', audience, { max: MAX_AUDIENCE_BYTES });
  if (atLeastRevision !== '' && !isRevision(atLeastRevision)) {
    faults.add('at_least_revision', 'must be a revision as Logout and Validate answer it');
  }
}
