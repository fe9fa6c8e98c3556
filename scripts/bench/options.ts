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
/** What the published numbers are of. */
const PUBLISHED_SESSIONS = 1_000_000;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Options {
  readonly only: readonly ScenarioName[];
  /** Alternating rounds. Default 3. */
  readonly rounds: number;
  /** How long one arm of one round is measured. Default 3. */
  readonly seconds: number;
  /** How many sessions `scale` puts into Redis. Default 1,000,000. */
  readonly sessions: number;
  /** Whether a missed bar is an exit code of 1. */
  readonly strict: boolean;
  readonly writeReadme: boolean;
  /** Say what there is and measure nothing. */
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --only=NAME,...   measure only these: ${SCENARIOS.join(', ')}
  --rounds=N        alternating rounds, 1 to 99 (3)
  --seconds=N       length of one arm of one round, 1 to 600 (3)
  --sessions=N      sessions that scale puts into Redis, 2,000 to 10,000,000 (1,000,000: 1.2 GB of memory)
  --strict          exit with 1 if a bar is missed
  --write-readme    write the table into README.md; needs every scenario and at least 3 rounds
  --help            this

A whole run takes about 11 minutes unless told otherwise: it measures for about 25 times rounds times seconds,
and the rest is to start servers, warm them up, make tokens and fill a store with sessions.`;

/** Throws an Error that says what is wrong, for the person who typed it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      sessions: { type: 'string', default: String(PUBLISHED_SESSIONS) },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      'write-readme': { type: 'boolean', default: false },
    },
  });
  const options: Options = {
    only: values.only === undefined ? SCENARIOS : values.only.split(',').map(scenarioName),
    rounds: wholeNumber('--rounds', values.rounds, { least: 1, most: 99 }),
    seconds: wholeNumber('--seconds', values.seconds, { least: 1, most: 600 }),
    sessions: wholeNumber('--sessions', values.sessions, { least: 2_000, most: 10_000_000 }),
    strict: values.strict,
    writeReadme: values['write-readme'],
    help: values.help,
  };
  if (
    options.writeReadme &&
    (options.rounds < 3 ||
      options.sessions < PUBLISHED_SESSIONS ||
      !SCENARIOS.every((name) => options.only.includes(name)))
  ) {
    throw new Error(
      '--write-readme publishes a whole run only: every scenario, at least 3 rounds, at least 1,000,000 sessions',
    );
  }
  return options;
}

function scenarioName(text: string): ScenarioName {
  const name = SCENARIOS.find((known) => known === text);
  if (name === undefined) throw new Error(`--only: "${text}" is none of ${SCENARIOS.join(', ')}`);
  return name;
}

function wholeNumber(option: string, text: string, { least, most }: { least: number; most: number }): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new Error(`${option}: "${text}" is no whole number from ${least} to ${most}`);
  }
  return number;
}
