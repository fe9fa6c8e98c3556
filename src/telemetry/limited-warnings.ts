import type { Clock } from '../validator/clock.ts';
import type { LogFields, Logger } from './logger.ts';

/** The same warning is written at most this often; milliseconds. */
const INTERVAL_MS = 60_000;
/** How many different warnings are remembered. There are few: a message has no data in it. */
const MOST_REMEMBERED = 100;

interface Written {
  readonly at: number;
  omitted: number;
}

/**
 * A log for what comes with every call, as the failure of a store that is away: a warning with the same message is
 * written once a minute, with how many were left out since (`omitted`); those are written as `debug`.
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
    if (written.size >= MOST_REMEMBERED) written.clear();
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
