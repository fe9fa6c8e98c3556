import { afterEach, expect, test } from '@jest/globals';
import { Consistency, RejectionReason } from '../../src/gen/latchkey/v1/validation.ts';
import type { ValidationResult } from '../../src/validator/verdict.ts';
import { validateByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const requirements = { consistency: Consistency.BOUNDED, audience: '', atLeastRevision: '' };

let running: RunningServer;
afterEach(() => running.close());

/** The validations of these tokens, in order, and the answer for each. */
async function batch(
  accessTokens: readonly string[],
  validate: (token: string) => ValidationResult | Promise<ValidationResult>,
) {
  const validated: string[] = [];
  const tokens = {
    validate: (token: string) => {
      validated.push(token);
      return validate(token);
    },
  };
  running = await startIdentityServer(fakeCore({ tokens }).core);
  const { client } = running;
  const { ok } = await call(client, client.batchValidate, { ...requirements, accessTokens });
  const answered = ok?.verdicts.map(({ verdict }) =>
    verdict?.$case === 'identity' ? verdict.value.roles : verdict?.value.reason,
  );
  return { validated, answered };
}

const BAD = RejectionReason.MALFORMED;

const later = async (token: string) => validateByName(token);

test('The signature of a token that is 256 times in a batch is checked once', async () => {
  const { validated, answered } = await batch(new Array<string>(256).fill('forged'), later);
  expect(validated).toEqual(['forged']);
  expect(answered).toEqual(new Array(256).fill(BAD));
});

test.each([
  ['at once', validateByName],
  ['later', later],
  ['some later', (token: string) => (token === 'admin' ? later(token) : validateByName(token))],
])('Verdicts are in the requested order, also for repeated tokens: %s', async (_when, validate) => {
  const { answered } = await batch(['admin', 'bad', 'service', 'admin', 'bad', 'good', 'admin'], validate);
  expect(answered).toEqual([['admin'], BAD, ['service'], ['admin'], BAD, [], ['admin']]);
});
