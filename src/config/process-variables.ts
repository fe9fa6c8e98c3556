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
    meaning:
      'processes that serve one address, 1 to 64; more than one needs `LATCHKEY_REDIS_URL`, for sessions in memory belong to one process',
    fallback: '1',
    example: '4',
    parse: wholeNumber(1, 64),
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;
