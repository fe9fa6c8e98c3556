import type { Clock } from '../validator/clock.ts';
import type { LogFields, Logger } from './logger.ts';

/** Interval in which a repeated warning is omitted; milliseconds. */
const INTERVAL_MS = 60_000;
/** A memory bound that is never reached, because messages are constants and few. */
const MAX_MESSAGES = 100;

interface Written {
  readonly at: number;
  omitted: number;
}

/**
 * Limits warnings that every call can cause, such as an unavailable store. Logs each message as a warning once per
 * minute, with the number omitted since the last one (`omitted`). Logs the others at `debug`.
 */
export function limitedWarnings(logger: Logger, clock: Clock): Logger {
  const written = new Map<string, Written>();
  const warn = (fields: LogFields, message: string) => {
    const now = clock.monotonic();
    const last = written.get(message);
    if (last !== undefined && now - last.at < INTERVAL_MS) {
      last.omitted += 1;
      logger.debug(fields, message);
      return;
    }
    if (written.size >= MAX_MESSAGES) written.clear();
    written.set(message, { at: now, omitted: 0 });
    const omitted = last === undefined || last.omitted === 0 ? {} : { omitted: last.omitted };
    logger.warn({ ...fields, ...omitted }, message);
  };
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn,
    error: (fields, message) => logger.error(fields, message),
    fatal: (fields, message) => logger.fatal(fields, message),
  };
}
