import { afterEach, expect, test } from '@jest/globals';
import { Consistency, RejectionReason } from '../../src/gen/latchkey/v1/validation.ts';
import type { Judgement } from '../../src/validator/verdict.ts';
import { judgeByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const demand = { consistency: Consistency.BOUNDED, audience: '', atLeastRevision: '' };

let running: RunningServer;
afterEach(() => running.close());

/** What was judged of these tokens, in order, and what was answered of each. */
async function batch(
  accessTokens: readonly string[],
  judge: (token: string) => Judgement | Promise<Judgement>,
) {
  const judged: string[] = [];
  const tokens = {
    judge: (token: string) => {
      judged.push(token);
      return judge(token);
    },
  };
  running = await startIdentityServer(fakeCore({ tokens }).core);
  const { client } = running;
  const { ok } = await call(client, client.batchValidate, { ...demand, accessTokens });
  const answered = ok?.verdicts.map(({ verdict }) =>
    verdict?.$case === 'identity' ? verdict.value.roles : verdict?.value.reason,
  );
  return { judged, answered };
}

const BAD = RejectionReason.MALFORMED;

const later = async (token: string) => judgeByName(token);

test('A token that is in a batch 256 times has its signature checked once', async () => {
  const { judged, answered } = await batch(new Array<string>(256).fill('forged'), later);
  expect(judged).toEqual(['forged']);
  expect(answered).toEqual(new Array(256).fill(BAD));
});

test.each([
  ['at once', judgeByName],
  ['later', later],
  ['some later', (token: string) => (token === 'admin' ? later(token) : judgeByName(token))],
])('Verdicts come in the order asked, however often each token is asked about: %s', async (_when, judge) => {
  const { answered } = await batch(['admin', 'bad', 'service', 'admin', 'bad', 'good', 'admin'], judge);
  expect(answered).toEqual([['admin'], BAD, ['service'], ['admin'], BAD, [], ['admin']]);
});
