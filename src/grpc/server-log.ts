import { setLogger } from '@grpc/grpc-js';
import { maskCredentials } from '../validator/masked-credentials.ts';

/** What this room says to the log; pino's loggers are of this shape. */
export interface ServerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Sends what the gRPC library says to our log, without the credentials that it quotes. The library has one logger
 * for the whole process.
 */
export function takeLibraryLog(log: ServerLog): void {
  const say = (...words: readonly unknown[]) => {
    log.debug({ library: '@grpc/grpc-js' }, maskCredentials(words.join(' ')));
  };
  setLogger({ error: say, info: say, debug: say });
}
