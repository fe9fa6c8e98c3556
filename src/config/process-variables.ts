import { provided } from './parsed.ts';
import { oneOf, wholeNumber } from './scalars.ts';
import type { Variable } from './variable.ts';

/** The process itself. */
export const PROCESS_VARIABLES = {
  environment: {
    name: 'LATCHKEY_ENV',
    meaning:
      '`development` or `production`: what is left out elsewhere is convenient in the one, careful in the other',
    otherwise: '`development` on loopback unless `NODE_ENV` is `production`',
    example: 'production',
    parse: oneOf('development', 'production'),
  },
  logLevel: {
    name: 'LATCHKEY_LOG_LEVEL',
    meaning: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
    fallback: 'info',
    example: 'debug',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
  workers: {
    name: 'LATCHKEY_WORKERS',
    meaning: 'processes that serve one address; 1 is all there is yet',
    fallback: '1',
    example: '1',
    parse: provided(
      wholeNumber(1, 256),
      (workers) => workers === 1,
      'must be 1: more than one is not built yet; run several replicas with LATCHKEY_REDIS_URL instead',
    ),
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;
