import { parseArgs } from 'node:util';

export const SCENARIOS = [
  'validate-warm',
  'validate-cold',
  'batch-validate',
  'refresh',
  'login',
  'login-storm',
  'client-local',
  'revocation',
  'scale',
  'peers',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What is published must be measured with at least this much. */
const PUBLISHED = { rounds: 3, sessions: 1_000_000 } as const;

export interface Options {
  readonly only: readonly ScenarioName[];
  /** Alternating rounds. */
  readonly rounds: number;
  /** How long one arm of one round is measured. */
  readonly seconds: number;
  /** How many sessions `scale` puts into Redis. */
  readonly sessions: number;
  /** Whether a missed bar is an exit code of 1. */
  readonly strict: boolean;
  /** Whether the tables, the numbers and the picture are written for readers. */
  readonly publish: boolean;
  /** Show the usage and measure nothing. */
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --only=NAME,...   measure only these: ${SCENARIOS.join(', ')}
  --rounds=N        alternating rounds, 1 to 99 (3)
  --seconds=N       length of one arm of one round, 1 to 600 (3)
  --sessions=N      sessions that scale puts into Redis, 2,000 to 10,000,000 (1,000,000: 1.2 GB of memory)
  --strict          exit with 1 if a bar is missed
  --publish         write the tables into docs/benchmarks.md; needs every scenario and at least 3 rounds
  --help            show this text

A whole run takes about 11 minutes by default: it measures for about 25 times rounds times seconds,
and needs the rest to start servers, warm them up, make tokens and fill a store with sessions.`;

/** Throws an Error that says what is wrong, for the person who typed it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: SCENARIOS.join(',') },
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
  const isWhole = SCENARIOS.every((name) => options.only.includes(name));
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

function scenarioName(text: string): ScenarioName {
  const name = SCENARIOS.find((known) => known === text);
  if (name === undefined) throw new Error(`--only: "${text}" is none of ${SCENARIOS.join(', ')}`);
  return name;
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`${option}: "${text}" is not a whole number from ${least} to ${most}`);
}
