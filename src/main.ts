import { availableParallelism } from 'node:os';
import { superviseWorkers } from './app/workers/supervise.ts';
import { WorkerEnded } from './app/workers/supervisor.ts';
import { type WorkerSelf, workerSelf } from './app/workers/worker.ts';
import { openApp } from './app.ts';
import { describeFaults } from './config/faults.ts';
import { type Config, readConfig } from './config.ts';
import { greeting } from './greeting.ts';
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
  const self = workerSelf();
  const logger = createLogger(config.logLevel, undefined, self && { worker: self.id });
  try {
    if (self !== undefined) return await serveAsWorker(config, logger, self);
    return config.workers === 1 ? await serve(config, logger) : await supervise(config, logger);
  } catch (error) {
    // What a worker could not do, it has said itself. One that was killed could not say anything.
    if (error instanceof WorkerEnded && error.code !== null) return error.code;
    logger.fatal({ err: error }, 'the service could not go on');
    say(`latchkey: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_FAILED;
  }
}

/** One process that does everything. */
async function serve(config: Config, logger: Logger): Promise<number> {
  const stopped = stopSignal((signal) => {
    logger.warn({ signal }, 'stopping at once');
    process.exit(EXIT_FAILED);
  });
  const app = await openApp(config, systemClock, logger);
  const { address, metricsUrl } = app;
  logger.info({ address, metrics: metricsUrl, environment: config.environment }, 'serving');
  say(greeting(app, config));
  logger.info({ signal: await stopped }, 'stopping');
  const clean = await app.close();
  logger.info({ clean }, 'stopped');
  return clean ? 0 : EXIT_FAILED;
}

/** One of several; what people are told, the supervisor tells them. */
async function serveAsWorker(config: Config, logger: Logger, self: WorkerSelf): Promise<number> {
  const app = await openApp(config, systemClock, logger, self);
  logger.info({ pid: process.pid }, 'worker serves');
  self.report({ kind: 'serving', address: app.address, firstUser: app.firstUser });
  logger.info({ because: await self.stopped }, 'stopping');
  return (await app.close()) ? 0 : EXIT_FAILED;
}

/** Serves nothing itself but metrics and health. */
async function supervise(config: Config, logger: Logger): Promise<number> {
  const workers = await superviseWorkers(config, systemClock, logger);
  const stopped = stopSignal((signal) => {
    logger.warn({ signal }, 'stopping at once');
    workers.kill();
    process.exit(EXIT_FAILED);
  });
  const started = await workers.start();
  const { metricsUrl } = workers;
  const { environment, workers: count } = config;
  logger.info({ address: started.address, metrics: metricsUrl, environment, workers: count }, 'serving');
  say(greeting(started, config));
  logger.info({ signal: await stopped }, 'stopping');
  const clean = await workers.close();
  logger.info({ clean }, 'stopped');
  return clean ? 0 : EXIT_FAILED;
}

/** Resolves at the first SIGTERM or SIGINT; a second one does not wait for the drain. */
function stopSignal(atOnce: (signal: NodeJS.Signals) => void): Promise<NodeJS.Signals> {
  return new Promise((settle) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) atOnce(signal);
      asked = true;
      settle(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

process.exitCode = await main();
// The channel to the supervisor would keep a worker alive, and node:cluster ends one that closes it with 0.
if (process.connected) process.exit();
