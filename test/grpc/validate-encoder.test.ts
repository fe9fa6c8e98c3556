import { describe, expect, test } from '@jest/globals';
import { ValidateResponse } from '../../src/gen/latchkey/v1/identity.ts';
import type { Identity } from '../../src/gen/latchkey/v1/validation.ts';
import { ValidateResponseEncoder } from '../../src/grpc/messages/validate-encoder.ts';

const identity = (userId: string): Identity => ({
  userId,
  sessionId: '019b7600-0000-7000-8000-00000000bbbb',
  clientId: '',
  roles: ['reader', 'Größe'],
  authenticationMethods: ['pwd'],
  authenticatedAt: new Date(1_000),
  issuedAt: new Date(2_000),
  expiresAt: new Date(3_456),
});

describe('the encoder of Validate answers', () => {
  test('writes what the generated encoder writes, whatever came before', () => {
    const encoder = new ValidateResponseEncoder();
    const [one, two] = [identity('one'), identity('two')];
    const rejection = { reason: 8, endReason: 1, nextStep: 2 } as const;
    const answers: ValidateResponse[] = [];
    for (const asOf of [new Date(5_000), new Date(5_001), undefined, new Date(5_001)]) {
      for (const revision of ['', '17-0', '17-1']) {
        for (const value of [one, two, one])
          answers.push({ verdict: { $case: 'identity', value }, asOf, revision });
        answers.push({ verdict: { $case: 'rejection', value: rejection }, asOf, revision });
        answers.push({ verdict: undefined, asOf, revision });
      }
    }
    for (const answer of answers) {
      const bytes = Buffer.from(encoder.encode(answer).finish());
      expect(bytes).toEqual(Buffer.from(ValidateResponse.encode(answer).finish()));
      expect(ValidateResponse.decode(bytes)).toEqual(answer);
    }
  });
});
