import { describeIssues } from '../config/config-issue.ts';
import { PAGES } from './all-pages.ts';
import { openBff } from './bff.ts';
import { type BffConfig, readBffConfig } from './config/bff-config.ts';

/** The configuration cannot be used (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78;
const EXIT_FAILED = 1;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const CLOCK = { now: Date.now, monotonic: performance.now.bind(performance) };

/** Writes a message for people. Standard output has only the log. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Serves browsers until a signal. Resolves with the exit code. */
export async function start(): Promise<number> {
  const outcome = readBffConfig(process.env);
  if (outcome.kind === 'issues') {
    say(describeIssues(outcome.issues, 'latchkey-bff'));
    return EXIT_CONFIG;
  }
  const { config } = outcome;
  const stopped = stopSignal();
  try {
    const logger = config.logLevel === 'silent' ? false : logOptions(config.logLevel);
    const bff = await openBff(config, { clock: CLOCK, pages: PAGES, logger });
    say(`latchkey-bff serves the sign-in pages on ${bff.origin}.${warningOf(config.service)}`);
    await stopped;
    await closedWithin(config.drainTimeoutMs, bff.close());
    return 0;
  } catch (error) {
    say(`latchkey-bff: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_FAILED;
  }
}

/** Lines like those of the service. */
function logOptions(level: string) {
  return {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
}

/** A warning if this program is no front, to add to a message. Empty: it is one. */
function warningOf({ account, clientKeyPair }: BffConfig['service']): string {
  if (account !== undefined || clientKeyPair !== undefined) return '';
  return (
    '\nIt is no front of the service: login limits and the audit trail see one address for all browsers. ' +
    'That is fine on your machine; for production see docs/bff.md.'
  );
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((settle) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(EXIT_FAILED);
      asked = true;
      settle();
    };
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
  });
}

/** Exits if requests in progress take too long. */
async function closedWithin(timeoutMs: number, closed: Promise<void>): Promise<void> {
  const timer = setTimeout(() => process.exit(EXIT_FAILED), timeoutMs);
  await closed;
  clearTimeout(timer);
}
