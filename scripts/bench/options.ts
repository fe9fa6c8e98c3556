import { parseArgs } from 'node:util';

export const SCENARIOS = [
  'validate-warm',
  'validate-cold',
  'batch-validate',
  'refresh',
  'login',
  'login-storm',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Options {
  readonly only: readonly ScenarioName[];
  /** Alternating rounds. Default 3. */
  readonly rounds: number;
  /** How long one arm of one round is measured. Default 5. */
  readonly seconds: number;
  /** Whether a missed bar is an exit code of 1. */
  readonly strict: boolean;
  readonly writeReadme: boolean;
  /** Say what there is and measure nothing. */
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --only=NAME,...   measure only these: ${SCENARIOS.join(', ')}
  --rounds=N        alternating rounds, 1 to 99 (3)
  --seconds=N       length of one arm of one round, 1 to 600 (5)
  --strict          exit with 1 if a bar is missed
  --write-readme    write the table into README.md; needs every scenario and at least 3 rounds
  --help            this

A whole run measures for about 13 times rounds times seconds, 3.5 minutes unless told otherwise, and takes
a minute or two more to start servers, warm them up and make tokens.`;

/** Throws an Error that says what is wrong, for the person who typed it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      'write-readme': { type: 'boolean', default: false },
    },
  });
  const options: Options = {
    only: values.only === undefined ? SCENARIOS : values.only.split(',').map(scenarioName),
    rounds: wholeNumber('--rounds', values.rounds, 99),
    seconds: wholeNumber('--seconds', values.seconds, 600),
    strict: values.strict,
    writeReadme: values['write-readme'],
    help: values.help,
  };
  if (
    options.writeReadme &&
    (options.rounds < 3 || !SCENARIOS.every((name) => options.only.includes(name)))
  ) {
    throw new Error('--write-readme publishes a whole run only: every scenario, at least 3 rounds');
  }
  return options;
}

function scenarioName(text: string): ScenarioName {
  const name = SCENARIOS.find((known) => known === text);
  if (name === undefined) throw new Error(`--only: "${text}" is none of ${SCENARIOS.join(', ')}`);
  return name;
}

function wholeNumber(option: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most) {
    throw new Error(`${option}: "${text}" is no whole number from 1 to ${most}`);
  }
  return number;
}
