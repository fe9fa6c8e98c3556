import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
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
  return new Promise((settle) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) {
        logger.warn({ signal }, 'stopping at once');
        process.exit(EXIT_FAILED);
      }
      asked = true;
      settle(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** A password that was made is shown here, once; one that was given is never shown. */
function greet({ address, firstUser }: App, config: Config): void {
  const { bootstrap, callerAuth, dataDir, environment, redis, reflection, tls } = config;
  const made = firstUser?.password;
  const words = [`\nlatchkey serves gRPC on ${address}${tls === undefined ? '' : ', with TLS'}.`];
  if (made !== undefined) {
    words.push(`The first user was made: ${firstUser?.username}, password ${made}\nIt is shown this once.`);
  } else if (firstUser === undefined && bootstrap.password !== undefined) {
    words.push('LATCHKEY_BOOTSTRAP_PASSWORD is not used: there are users already.');
  }
  if (redis.kind === 'none') {
    words.push(
      'Sessions are kept in memory: they do not survive a restart. Set LATCHKEY_REDIS_URL to keep them in Redis.\n' +
        `Users and keys are kept${config.databaseUrl === undefined ? ` in ${resolve(dataDir)}` : ' in PostgreSQL'}.`,
    );
  }
  const canBePasted =
    environment === 'development' && tls === undefined && reflection && !address.startsWith('unix:');
  if (canBePasted) {
    const { username } = bootstrap;
    words.push(quickStart({ address, username, password: made, callerToken: callerAuth === 'token' }));
  }
  say(words.join('\n'));
}

process.exitCode = await main();
