import { describe, expect, test } from '@jest/globals';
import { ValidateResponse } from '../../src/gen/latchkey/v1/identity.ts';
import { ValidateEncoder } from '../../src/grpc/messages/validate-encoder.ts';
import { validateResponse } from '../../src/grpc/messages/verdict-message.ts';
import type { AccessTokenClaims } from '../../src/validator/access-token.ts';
import { type Accepted, rejected, type ValidationResult } from '../../src/validator/verdict.ts';

const accepted = (userId: string): Accepted => {
  const claims: AccessTokenClaims = {
    issuer: 'https://latchkey.test',
    audiences: ['any'],
    userId,
    sessionId: '019b7600-0000-7000-8000-00000000bbbb',
    sessionCreatedAt: 500,
    clientId: '',
    tokenId: 't',
    roles: ['reader', 'Größe'],
    authenticationMethods: ['pwd'],
    authenticatedAt: 1_000,
    issuedAt: 2_000,
    expiresAt: 3_456,
  };
  return { kind: 'accepted', claims, encodedIdentity: undefined };
};

describe('the encoder of Validate responses', () => {
  test('writes the same bytes as the generated encoder, whatever was written before', () => {
    const encoder = new ValidateEncoder();
    const [one, two] = [accepted('one'), accepted('two')];
    const results: ValidationResult[] = [];
    for (const asOf of [5_000, 5_001, 0, 5_001]) {
      for (const revision of [undefined, '17-0', '17-1']) {
        for (const verdict of [one, two, one]) results.push({ verdict, asOf, revision });
        results.push({ verdict: rejected('SESSION_ENDED', 'LOGGED_OUT'), asOf, revision });
        results.push({ verdict: rejected('EXPIRED'), asOf, revision });
      }
    }
    for (const result of results) {
      const bytes = Buffer.from(encoder.encode(result).bytes);
      const message = validateResponse(result);
      expect(bytes).toEqual(Buffer.from(ValidateResponse.encode(message).finish()));
      expect(ValidateResponse.decode(bytes)).toEqual(message);
    }
  });
});
