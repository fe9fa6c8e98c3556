import type { Clock } from '../validator/clock.ts';
import type { LogFields, Logger } from './logger.ts';

/** How long a repeated warning is left out; milliseconds. */
const INTERVAL_MS = 60_000;
/** A bound on memory, which is never reached: messages are constants, and there are few. */
const MAX_MESSAGES = 100;

interface Written {
  readonly at: number;
  omitted: number;
}

/**
 * A log for warnings that can come with every call, such as a store that is down. A warning with the same message is
 * written once a minute, with the number left out since the last one (`omitted`). Those are written as `debug`.
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
