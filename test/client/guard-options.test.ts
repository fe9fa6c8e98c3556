import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import type { GuardClient } from '../../src/client/guard/admission.ts';
import { connect, expressGuard, fastifyGuard, grpcGuard } from '../../src/client/index.ts';

type AnyGuard = (client: GuardClient, options?: never) => unknown;

const CLIENT: GuardClient = {
  validate: () => Promise.reject(new Error('not called in these tests')),
  onRevocation: () => () => undefined,
};
const GUARDS: readonly (readonly [string, AnyGuard])[] = [
  ['grpcGuard', grpcGuard as AnyGuard],
  ['expressGuard', expressGuard as AnyGuard],
  ['fastifyGuard', fastifyGuard as AnyGuard],
];

describe.each(GUARDS)('%s', (name, guard) => {
  test.each([
    [
      'a misspelt option',
      { rulez: {} },
      /: there is no option rulez; valid options: .*requirements, onUndecided\./,
    ],
    ['options that are not an object', 'signed-in', /: the options are a string; they must be an object\./],
    [
      'a misspelt requirement',
      { requirements: { consistancy: 'strong' } },
      /: requirements: there is no option consistancy;/,
    ],
    [
      'an invalid value of a requirement',
      { requirements: { consistency: 'STRONG' } },
      /: requirements: consistency is "STRONG"/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => guard(CLIENT, options as never)).toThrow(TypeError);
    expect(() => guard(CLIENT, options as never)).toThrow(message);
  });

  test.each([undefined, null, {}, Promise.resolve(CLIENT)])('refuses %p, which is not a client', (client) => {
    expect(() => guard(client as never)).toThrow(
      `${name}: the first argument must be a client, as connect() returns it.`,
    );
  });
});

test('a validation with a misspelt requirement fails without a call', async () => {
  const client = connect('127.0.0.1:1', { credentials: { kind: 'plaintext' }, mode: 'remote' });
  try {
    await expect(client.validate('a', { consistancy: 'strong' } as never)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: expect.stringContaining('there is no option consistancy'),
    });
  } finally {
    await client.close();
  }
});
