import { parseArgs } from 'node:util';
import type { Measurement } from './measurement.ts';
import { bff } from './scenarios/bff.ts';
import { clientLocal } from './scenarios/client-local.ts';
import { login, loginStorm } from './scenarios/login.ts';
import { peers } from './scenarios/peers.ts';
import { refresh } from './scenarios/refresh.ts';
import { revocation } from './scenarios/revocation.ts';
import type { Scale } from './scenarios/rounds.ts';
import { scale } from './scenarios/scale.ts';
import { batchValidate, validateCold, validateWarm } from './scenarios/validate.ts';
import { watchSession } from './scenarios/watch-session.ts';
import { watchTicket } from './scenarios/watch-ticket.ts';

/** In the order of the measurements. */
export const SCENARIOS: Readonly<
  Record<string, (scale: Scale) => Promise<Measurement | readonly Measurement[]>>
> = {
  'validate-warm': validateWarm,
  'validate-cold': validateCold,
  'batch-validate': batchValidate,
  refresh,
  login,
  'login-storm': loginStorm,
  'client-local': clientLocal,
  revocation,
  'watch-session': watchSession,
  'watch-ticket': watchTicket,
  bff,
  scale,
  peers,
};

const NAMES = Object.keys(SCENARIOS);

/** Minimum values for published numbers. */
const PUBLISHED = { rounds: 3, sessions: 1_000_000 } as const;

export interface Options extends Scale {
  /** Names of scenarios. */
  readonly only: readonly string[];
  /** Whether a missed bar sets the exit code 1. */
  readonly strict: boolean;
  /** Whether the tables, the numbers and the picture are written to the docs. */
  readonly publish: boolean;
  /** Show the usage and measure nothing. */
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --only=NAME,...   measure only these: ${NAMES.join(', ')}
  --rounds=N        alternating rounds, 1 to 99 (3)
  --seconds=N       length of one arm of one round, 1 to 600 (3)
  --sessions=N      sessions that scale puts into Redis, 2,000 to 10,000,000 (1,000,000: 1.2 GB of memory)
  --strict          exit with 1 if a bar is missed
  --publish         write the tables into docs/benchmarks.md; needs every scenario and at least 3 rounds
  --help            show this text

A whole run takes about 12 minutes by default: it measures for about 25 times rounds times seconds,
and needs the rest to start servers, warm them up, make tokens and fill a store with sessions.`;

/** Throws an Error with a message for the user. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: NAMES.join(',') },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      sessions: { type: 'string', default: String(PUBLISHED.sessions) },
      strict: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const options: Options = {
    ...values,
    only: values.only.split(',').map(scenarioName),
    rounds: wholeNumber('--rounds', values.rounds, 1, 99),
    seconds: wholeNumber('--seconds', values.seconds, 1, 600),
    sessions: wholeNumber('--sessions', values.sessions, 2_000, 10_000_000),
  };
  const isWhole = NAMES.every((name) => options.only.includes(name));
  if (
    options.publish &&
    !(isWhole && options.rounds >= PUBLISHED.rounds && options.sessions >= PUBLISHED.sessions)
  ) {
    throw new Error(
      '--publish needs a whole run: every scenario, at least 3 rounds, at least 1,000,000 sessions',
    );
  }
  return options;
}

function scenarioName(name: string): string {
  if (NAMES.includes(name)) return name;
  throw new Error(`--only: "${name}" is none of ${NAMES.join(', ')}`);
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`${option}: "${text}" is not a whole number from ${least} to ${most}`);
}
