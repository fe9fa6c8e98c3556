import { describe, expect, test } from '@jest/globals';
import { unknownNameIssue } from '../../src/config/config-issue.ts';
import { SERVICE_VARIABLES } from '../../src/config/variables.ts';

describe('an unknown variable', () => {
  test.each([
    ['LATCHKEY_PORT', 'LATCHKEY_LISTEN'],
    ['LATCHKEY_GRPC_PORT', 'LATCHKEY_LISTEN'],
    ['LATCHKEY_HOST', 'LATCHKEY_LISTEN'],
    ['LATCHKEY_METRICS_PORT', 'LATCHKEY_METRICS_LISTEN'],
    ['LATCHKEY_REDIS', 'LATCHKEY_REDIS_URL'],
    ['LATCHKEY_TLS_CA', 'LATCHKEY_TLS_CLIENT_CA'],
    ['LATCHKEY_NODE_ENV', 'LATCHKEY_ENV'],
    ['LATCHKEY_LOGLEVEL', 'LATCHKEY_LOG_LEVEL'],
    ['LATCHKEY_BCRYPT_COTS', 'LATCHKEY_BCRYPT_COST'],
  ])('%s suggests %s', (name, meant) => {
    expect(unknownNameIssue(name, SERVICE_VARIABLES).sentence).toBe(
      `${name} is not a variable of latchkey; did you mean ${meant}?`,
    );
  });

  test.each(['LATCHKEY_FOO', 'LATCHKEY_SECRET', 'LATCHKEY_COLOUR', 'LATCHKEY_'])(
    '%s suggests nothing',
    (name) => {
      expect(unknownNameIssue(name, SERVICE_VARIABLES).sentence).toBe(
        `${name} is not a variable of latchkey.`,
      );
    },
  );
});
