import { availableParallelism } from 'node:os';
import { type App, openApp } from './app.ts';
import { describeFaults } from './config/faults.ts';
import { type Config, readConfig } from './config.ts';
import { quickStart } from './quick-start.ts';
import { systemClock } from './telemetry/clock.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';

/** The configuration cannot be used (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78;
const EXIT_FAILED = 1;

/** For people: on standard error, so that standard output is the log and nothing else. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<number> {
  const outcome = readConfig(process.env, availableParallelism());
  if (outcome.kind === 'faults') {
    say(describeFaults(outcome.faults));
    return EXIT_CONFIG;
  }
  const { config } = outcome;
  const logger = createLogger(config.logLevel);
  const stopped = stopSignal(logger);
  try {
    const app = await openApp(config, systemClock, logger);
    logger.info(
      { address: app.address, metrics: app.metricsUrl, environment: config.environment },
      'serving',
    );
    greet(app, config);
    logger.info({ signal: await stopped }, 'stopping');
    const clean = await app.close();
    logger.info({ clean }, 'stopped');
    return clean ? 0 : EXIT_FAILED;
  } catch (error) {
    logger.fatal({ err: error }, 'the service could not go on');
    say(`latchkey: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_FAILED;
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one does not wait for the drain. */
function stopSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) {
        logger.warn({ signal }, 'stopping at once');
        process.exit(EXIT_FAILED);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** A password that was made is shown here, once; one that was given is never shown. */
function greet(
  { address, firstUser }: App,
  { bootstrap, environment, tls, reflection, redis }: Config,
): void {
  const made = firstUser?.password;
  if (made !== undefined) {
    say(`\nThe first user was made: ${firstUser?.username}, password ${made}\nIt is shown this once.`);
  }
  if (environment !== 'development' || tls !== undefined || !reflection || address.startsWith('unix:'))
    return;
  const password =
    made !== undefined
      ? `'${made}'`
      : bootstrap.password !== undefined
        ? '"$LATCHKEY_BOOTSTRAP_PASSWORD"'
        : "'the password that the first start showed'";
  say(quickStart({ address, username: bootstrap.username, password, inMemory: redis.kind === 'none' }));
}

process.exitCode = await main();
