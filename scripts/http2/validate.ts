import { ValidateRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { grpcFrame } from './frames.ts';

/** First byte of a ValidateResponse whose verdict is an identity: field 1, length-delimited. */
const IDENTITY_TAG = 0x0a;

export function validateFrame(accessToken: string): Buffer {
  const request = { accessToken, consistency: 0, audience: '', atLeastRevision: '' } as const;
  return grpcFrame(ValidateRequest.encode(request).finish());
}

/** Whether the token was accepted. Cheaper than decoding the response. */
export function isIdentity(validateResponse: Buffer): boolean {
  return validateResponse[0] === IDENTITY_TAG;
}

/** Throws unless the token was accepted: a fast refusal would measure nothing. */
export function requireIdentity(validateResponse: Buffer): void {
  if (!isIdentity(validateResponse)) throw new Error('Validate rejected a good token');
}
