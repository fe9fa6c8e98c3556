import type { DestinationStream } from 'pino';
import type { LoginReports } from '../core/login/login-service.ts';
import type { Clock } from '../validator/clock.ts';
import { systemClock } from './clock.ts';
import { createLogger, type Logger, type LogLevel } from './logger.ts';
import { Metrics } from './metrics.ts';

/** How the service is watched, and by which clock. */
export interface Telemetry {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where rpcs are counted and timed. */
  readonly callMetrics: Pick<Metrics, 'recorder'>;
  readonly loginReports: LoginReports;
}

/** @param destination of the log; default: standard output. */
export function createTelemetry(level: LogLevel, destination?: DestinationStream): Telemetry {
  const logger = createLogger(level, destination);
  const metrics = new Metrics();
  return { clock: systemClock, logger, metrics, callMetrics: metrics, loginReports: loginReports(logger) };
}

function loginReports(logger: Logger): LoginReports {
  return {
    upgradeFailed: (userId, cause) => {
      logger.warn({ userId, err: cause }, 'the password hash could not be upgraded; the login succeeded');
    },
    passwordUnreadable: (userId) => {
      logger.error(
        { userId },
        'the stored password cannot be read: it is damaged, or its master key is not in LATCHKEY_MASTER_KEY',
      );
    },
  };
}
