import { setLogger } from '@grpc/grpc-js';
import { maskCredentials } from '../validator/masked-credentials.ts';

/** The logger that the gRPC code uses. pino loggers have this shape. */
export interface ServerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Sends the messages of the gRPC library to our log, with credentials masked. The library has one logger per
 * process.
 */
export function takeLibraryLog(log: ServerLog): void {
  const say = (...words: readonly unknown[]) => {
    log.debug({ library: '@grpc/grpc-js' }, maskCredentials(words.join(' ')));
  };
  setLogger({ error: say, info: say, debug: say });
}
