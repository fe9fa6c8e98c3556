import { setLogger } from '@grpc/grpc-js';

/** What this room says to the log; pino's loggers are of this shape. */
export interface ServerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Sends what the gRPC library says to our log. Its complaints about metadata quote the value, which may well
 * be a credential with one bad character, so everything after the key is cut. The library has one logger for
 * the whole process.
 */
export function takeLibraryLog(log: ServerLog): void {
  const say = (...words: readonly unknown[]) => {
    log.debug({ library: '@grpc/grpc-js' }, withoutMetadataValue(words.join(' ')));
  };
  setLogger({ error: say, info: say, debug: say });
}

function withoutMetadataValue(text: string): string {
  return text.replace(/(Failed to add metadata entry [^:]*:).*/s, '$1 the value is not printed');
}
