import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect, type LatchkeyClient } from '../../src/client/index.ts';
import type { BatchValidateResponse } from '../../src/gen/latchkey/v1/identity.ts';
import { NextStep, RejectionReason } from '../../src/gen/latchkey/v1/validation.ts';
import { eventually } from '../support/eventually.ts';
import { FakeValidationService } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

let clock: ManualClock;
let service: FakeValidationService;
const clients: LatchkeyClient[] = [];

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  service = await FakeValidationService.start(clock, []);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  service.close();
});

function open(options: ConnectOptions = {}): LatchkeyClient {
  const client = connect(service.address, {
    credentials: { kind: 'plaintext' },
    mode: 'remote',
    clock,
    ...options,
  });
  clients.push(client);
  return client;
}

const many = (count: number, length = 3) =>
  Array.from({ length: count }, (_, index) => `t${index}`.padEnd(length, '.'));
const sizes = () => service.batches.map(({ accessTokens }) => accessTokens.length);

/** Delays every batch until it is released. */
function holdBack(): { letGo: () => void } {
  const held: (() => void)[] = [];
  service.answer = ({ accessTokens }) =>
    new Promise<BatchValidateResponse>((resolve) => {
      held.push(() => resolve(service.ended(accessTokens)));
    });
  return {
    letGo: () => {
      for (const answer of held.splice(0)) answer();
    },
  };
}

describe('remote validation', () => {
  test('puts the tokens of one turn into one call, and gives each caller its own verdict', async () => {
    service.answer = ({ accessTokens }) => ({
      verdicts: accessTokens.map((token) => ({
        verdict: {
          $case: 'rejection',
          value: {
            reason: token === 't1..' ? RejectionReason.EXPIRED : RejectionReason.SIGNATURE,
            endReason: 0,
            nextStep: token === 't1..' ? NextStep.REFRESH : NextStep.LOGIN,
          },
        },
      })),
      asOf: new Date(7),
      revision: '5-0',
    });
    const client = open();
    const verdicts = await Promise.all(many(3, 4).map((token) => client.validate(token)));
    const rejected = { kind: 'rejected', endReason: undefined, asOf: new Date(7), revision: '5-0' };
    expect(verdicts).toStrictEqual([
      { ...rejected, reason: 'SIGNATURE', nextStep: 'LOGIN' },
      { ...rejected, reason: 'EXPIRED', nextStep: 'REFRESH' },
      { ...rejected, reason: 'SIGNATURE', nextStep: 'LOGIN' },
    ]);
    expect(sizes()).toStrictEqual([3]);
  });

  test('does not mix tokens with different requirements', async () => {
    const client = open({ audience: 'billing' });
    await Promise.all([
      client.validate('a'),
      client.validate('b', { consistency: 'strong' }),
      client.validate('c', { audience: 'mail', atLeastRevision: '7-0' }),
      client.validate('d'),
    ]);
    expect(service.batches).toHaveLength(3);
    expect(service.batches).toEqual(
      expect.arrayContaining([
        { accessTokens: ['a', 'd'], consistency: 1, audience: 'billing', atLeastRevision: '' },
        { accessTokens: ['b'], consistency: 2, audience: 'billing', atLeastRevision: '' },
        { accessTokens: ['c'], consistency: 1, audience: 'mail', atLeastRevision: '7-0' },
      ]),
    );
  });

  test('sends at most 256 tokens and 262,144 bytes in a call', async () => {
    const client = open();
    await Promise.all(many(600).map((token) => client.validate(token)));
    expect(sizes().toSorted((a, b) => a - b)).toStrictEqual([88, 256, 256]);
    service.batches.length = 0;
    await Promise.all(many(40, 8_192).map((token) => client.validate(token)));
    expect(sizes().toSorted((a, b) => a - b)).toStrictEqual([8, 32]);
  });

  test('sends an empty token in place of one that is too long or not a string', async () => {
    const client = open();
    await Promise.all([
      client.validate('x'.repeat(8_193)),
      client.validate('ä'.repeat(4_097)),
      client.validate('x'.repeat(1_000_000)),
      client.validate(undefined as unknown as string),
      client.validate('x'.repeat(8_192)),
    ]);
    expect(
      service.batches.flatMap(({ accessTokens }) => accessTokens.map(({ length }) => length)),
    ).toStrictEqual([0, 0, 0, 0, 8_192]);
  });

  test('sends the tokens that come during a call together, also while that call is held back', async () => {
    const { letGo } = holdBack();
    const client = open();
    const first = client.validate('a');
    await eventually(() => service.batches.length === 1);
    const others = many(50).map((token) => client.validate(token));
    await eventually(() => service.batches.length === 2);
    expect(sizes()).toStrictEqual([1, 50]);
    letGo();
    expect(await Promise.all([first, ...others])).toHaveLength(51);
  });

  test('gives every caller the error of a failed call', async () => {
    service.failures.set('BatchValidate', { code: status.PERMISSION_DENIED });
    const client = open();
    const outcomes = await Promise.allSettled(many(3).map((token) => client.validate(token)));
    const failed = { status: 'rejected', reason: { name: 'LatchkeyError', code: status.PERMISSION_DENIED } };
    expect(outcomes).toMatchObject([failed, failed, failed]);
  });

  test('fails if the answer does not have one verdict for each token', async () => {
    const client = open();
    service.answer = () => service.ended(['one']);
    await expect(Promise.all(many(2).map((token) => client.validate(token)))).rejects.toMatchObject({
      code: status.INTERNAL,
    });
    service.answer = () => ({ verdicts: [{ verdict: undefined }], asOf: undefined, revision: '' });
    await expect(client.validate('a')).rejects.toMatchObject({ code: status.INTERNAL });
  });

  test('treats an unknown reason as a rejection', async () => {
    service.answer = () => ({
      verdicts: [
        {
          verdict: {
            $case: 'rejection',
            value: { reason: 99 as never, endReason: 98 as never, nextStep: 97 as never },
          },
        },
      ],
      asOf: undefined,
      revision: '',
    });
    expect(await open().validate('a')).toMatchObject({
      kind: 'rejected',
      reason: 'UNSPECIFIED',
      endReason: undefined,
      nextStep: 'LOGIN',
    });
  });

  test('does not let a token wait longer than the timeout', async () => {
    const { letGo } = holdBack();
    const client = open();
    const first = [client.validate('a')];
    await eventually(() => service.batches.length === 1);
    first.push(client.validate('b'));
    await eventually(() => service.batches.length === 2);
    const late = client.validate('c');
    const outcome = expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    clock.advance(5_000);
    letGo();
    await outcome;
    await Promise.all(first);
    expect(service.batches).toHaveLength(2);
  });

  test('is ready once it is connected', async () => {
    const client = open();
    await client.ready();
    expect(client.staleness).toStrictEqual({ asOf: undefined, ageMs: Number.POSITIVE_INFINITY });
    expect(service.callsOf('WatchRevocations')).toBe(0);
    service.close();
    await eventually(async () =>
      client.ready(100).then(
        () => false,
        ({ code }: { code: status }) => code === status.UNAVAILABLE,
      ),
    );
  });

  test('is ready once a service that is starting is reachable', async () => {
    const { address } = service;
    service.close();
    const ready = open().ready();
    service = await FakeValidationService.start(clock, [], address);
    await ready;
  });
});
