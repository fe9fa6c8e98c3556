import { availableParallelism, constants } from 'node:os';
import { resetAdminPassword } from './app/reset-admin.ts';
import { StartFault } from './app/start-fault.ts';
import { superviseWorkers } from './app/workers/supervise.ts';
import { WorkerEnded } from './app/workers/supervisor.ts';
import { type WorkerSelf, workerSelf } from './app/workers/worker.ts';
import { openApp } from './app.ts';
import { describeIssues } from './config/config-issue.ts';
import { type Config, readConfig } from './config.ts';
import { greeting } from './greeting.ts';
import { systemClock } from './telemetry/clock.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';

/** The configuration cannot be used (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78;
const EXIT_FAILED = 1;
/** As the operator's command counts. */
const EXIT_USAGE = 2;
/** Plus the number of the signal, as shells tell of a process that it ended. */
const EXIT_SIGNAL = 128;

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const USAGE = `latchkey: Run it without arguments to serve, or, where nobody can sign in as an admin any more:
  node dist/main.js reset-admin [username]
which makes a new password for the user (default: LATCHKEY_BOOTSTRAP_USERNAME, or admin), and prints it.`;

// Without a listener, the first write after the reader has gone (EPIPE) would end the process.
process.stderr.on('error', () => undefined);

/** For people: on standard error, so that standard output is the log and nothing else. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the service, or the command given, as its environment says; resolves with the exit code once it has ended. */
export async function start(args: readonly string[]): Promise<number> {
  if (args.length > 0 && (args[0] !== 'reset-admin' || args.length > 2 || args[1]?.startsWith('-'))) {
    say(USAGE);
    return EXIT_USAGE;
  }
  const outcome = readConfig(process.env, availableParallelism());
  if (outcome.kind === 'issues') {
    say(describeIssues(outcome.issues));
    return EXIT_CONFIG;
  }
  const { config } = outcome;
  if (args.length > 0) return resetAdmin(config, args[1] ?? config.bootstrap.username);
  const self = workerSelf();
  const logger = createLogger(config.logLevel, undefined, self && { worker: self.id });
  try {
    return await (self === undefined ? serve(config, logger) : serveAsWorker(config, logger, self));
  } catch (error) {
    // What a worker could not do, it has said itself. One that was killed could not say anything.
    if (error instanceof WorkerEnded && error.code !== null) return error.code;
    if (isForPeople(error, config)) say(`latchkey: ${messageOf(error)}`);
    else logger.fatal({ err: error }, 'the service could not go on');
    return EXIT_FAILED;
  }
}

/**
 * A failure is told once. People get a sentence in development, or where there is no log. Otherwise the log gets it; it
 * also gets what nobody foresaw, since it has the stack and the causes, and holds no secrets.
 */
function isForPeople(error: unknown, { environment, logLevel }: Config): boolean {
  const isForeseen = error instanceof StartFault || error instanceof WorkerEnded;
  return logLevel === 'silent' || (isForeseen && environment === 'development');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One process that does everything, or one that supervises several; what people are told, this one tells them. */
async function serve(config: Config, logger: Logger): Promise<number> {
  const { environment, workers } = config;
  const open = workers === 1 ? openApp : superviseWorkers;
  const release = endAtSignals(workers > 1);
  const app = await open(config, systemClock, logger);
  const stopped = stopSignal(logger);
  release();
  const { address, metricsUrl: metrics } = app;
  logger.info({ address, metrics, environment, ...(workers > 1 && { workers }) }, 'serving');
  say(greeting(app, config));
  logger.info({ signal: await stopped }, 'stopping');
  const clean = await app.close();
  logger.info({ clean }, 'stopped');
  return clean ? 0 : EXIT_FAILED;
}

/** A command that ends by itself: what it says is its output, and there is no log. */
async function resetAdmin(config: Config, username: string): Promise<number> {
  try {
    const { told, problem } = await resetAdminPassword(username, config, systemClock);
    if (told !== '') process.stdout.write(`${told}\n`);
    if (problem === undefined) return 0;
    say(`latchkey: ${problem}`);
  } catch (error) {
    say(`latchkey: ${messageOf(error)}`);
  }
  return EXIT_FAILED;
}

/** One of several: it tells the supervisor. */
async function serveAsWorker(config: Config, logger: Logger, self: WorkerSelf): Promise<number> {
  const app = await openApp(config, systemClock, logger, self);
  logger.info({ pid: process.pid }, 'worker serves');
  const stopped = self.stopOrder();
  self.report({ kind: 'serving', firstUser: app.firstUser });
  logger.info({ because: await stopped }, 'stopping');
  return (await app.close()) ? 0 : EXIT_FAILED;
}

/**
 * Until it serves, a signal ends the process at once. The system does that by itself, even while a file or a lock holds
 * the thread; but not for process 1 of a container, and a supervisor must end its workers. Returns what undoes this.
 */
function endAtSignals(hasWorkers: boolean): () => void {
  if (!hasWorkers && process.pid !== 1) return () => undefined;
  const end = (signal: NodeJS.Signals) => process.exit(EXIT_SIGNAL + constants.signals[signal]);
  for (const signal of STOP_SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, end);
  };
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
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
  });
}
