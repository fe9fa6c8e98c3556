import { availableParallelism, constants } from 'node:os';
import { resetAdminPassword } from './app/reset-admin.ts';
import { messageOf, StartupError } from './app/startup-error.ts';
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
/** The same code as in the command-line tool. */
const EXIT_USAGE = 2;
/** Plus the signal number, as in shells. */
const EXIT_SIGNAL = 128;

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const USAGE = `latchkey: Run without arguments to start the service. If no admin can sign in any more, run:
  node dist/main.js reset-admin [username]
It sets and prints a new password for the user (default: LATCHKEY_BOOTSTRAP_USERNAME, or admin).`;

// Without a listener, a write after the reader has closed the pipe (EPIPE) would end the process.
process.stderr.on('error', () => undefined);

/** Writes a message for people to standard error. Standard output contains only the log. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the service or the given command. Resolves with the exit code when it has ended. */
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
    // A worker that exits has already reported its error. A killed worker could not.
    if (error instanceof WorkerEnded && error.code !== null) return error.code;
    if (isForPeople(error, config)) say(`latchkey: ${messageOf(error)}`);
    else logger.fatal({ err: error }, 'the service failed');
    return EXIT_FAILED;
  }
}

/**
 * Whether an error goes to standard error instead of the log; never to both. Expected errors do in development, and
 * all errors do if the log is off. Unexpected errors need the log, which has the stack and causes without secrets.
 */
function isForPeople(error: unknown, { environment, logLevel }: Config): boolean {
  const isExpected = error instanceof StartupError || error instanceof WorkerEnded;
  return logLevel === 'silent' || (isExpected && environment === 'development');
}

/** Serves in this process, or supervises workers. Only this process writes messages for people. */
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

/** Runs the `reset-admin` command. It writes its result to standard output and has no log. */
async function resetAdmin(config: Config, username: string): Promise<number> {
  try {
    const { output, problem } = await resetAdminPassword(username, config, systemClock);
    if (output !== '') process.stdout.write(`${output}\n`);
    if (problem === undefined) return 0;
    say(`latchkey: ${problem}`);
  } catch (error) {
    say(`latchkey: ${messageOf(error)}`);
  }
  return EXIT_FAILED;
}

/** Serves as a worker and reports to the supervisor. */
async function serveAsWorker(config: Config, logger: Logger, self: WorkerSelf): Promise<number> {
  const app = await openApp(config, systemClock, logger, self);
  logger.info({ pid: process.pid }, 'worker is serving');
  const stopped = self.stopOrder();
  self.report({ kind: 'serving', firstUser: app.firstUser });
  logger.info({ because: await stopped }, 'stopping');
  return (await app.close()) ? 0 : EXIT_FAILED;
}

/**
 * Ends the process at once on a signal that arrives before it serves. The system does this by default, even while a
 * file or lock blocks the thread, but not for process 1 of a container. A supervisor must also end its workers.
 * Returns a function that removes the handlers.
 */
function endAtSignals(hasWorkers: boolean): () => void {
  if (!hasWorkers && process.pid !== 1) return () => undefined;
  const end = (signal: NodeJS.Signals) => process.exit(EXIT_SIGNAL + constants.signals[signal]);
  for (const signal of STOP_SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, end);
  };
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process without waiting for the drain. */
function stopSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((settle) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) {
        logger.warn({ signal }, 'stopping immediately');
        process.exit(EXIT_FAILED);
      }
      asked = true;
      settle(signal);
    };
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
  });
}
