// npm run bench: measures what design rests on, against an empty echo on the same machine in the same run.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeMachine } from './machine.ts';
import { type Measurement, outcomeOf } from './measurement.ts';
import { type Options, parseOptions, SCENARIOS, type ScenarioName, USAGE } from './options.ts';
import { draw } from './picture.ts';
import { othersBusy } from './quiet.ts';
import { markdown, type Report, unfitToPublish, withTable } from './report.ts';
import { batchValidate } from './scenarios/batch-validate.ts';
import { clientLocal } from './scenarios/client-local.ts';
import { login } from './scenarios/login.ts';
import { loginStorm } from './scenarios/login-storm.ts';
import { peers } from './scenarios/peers.ts';
import { refresh } from './scenarios/refresh.ts';
import { revocation } from './scenarios/revocation.ts';
import type { Scale } from './scenarios/rounds.ts';
import { scale } from './scenarios/scale.ts';
import { validateCold } from './scenarios/validate-cold.ts';
import { validateWarm } from './scenarios/validate-warm.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = path.join(root, 'README.md');
/** Every run's numbers; not committed. */
const latestFile = path.join(import.meta.dirname, 'results/latest.json');
/** The numbers behind the table in README.md; committed with it. */
const publishedFile = path.join(import.meta.dirname, 'published.json');
/** The picture in README.md. */
const pictureFile = path.join(root, 'docs/bench.svg');

const scenarios: Readonly<
  Record<ScenarioName, (scale: Scale) => Promise<Measurement | readonly Measurement[]>>
> = {
  'validate-warm': validateWarm,
  'validate-cold': validateCold,
  'batch-validate': batchValidate,
  refresh,
  login,
  'login-storm': loginStorm,
  'client-local': clientLocal,
  revocation,
  scale,
  peers,
};

function optionsOrExit(): Options {
  try {
    const parsed = parseOptions(process.argv.slice(2));
    if (!parsed.help) return parsed;
    console.log(USAGE);
    return process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
}

async function measure(options: Options): Promise<Report> {
  const machine = describeMachine();
  const measurements: Measurement[] = [];
  const disturbances: (number | undefined)[] = [];
  for (const name of SCENARIOS.filter((known) => options.only.includes(known))) {
    disturbances.push(await othersBusy());
    console.error(`measuring ${name}`);
    const measured = await scenarios[name](options);
    measurements.push(...[measured].flat());
  }
  const { rounds, seconds, sessions } = options;
  const known = disturbances.filter((share) => share !== undefined);
  return {
    measuredAt: new Date().toISOString(),
    machine,
    options: { rounds, seconds, sessions },
    othersBusy: known.length === 0 ? undefined : Math.max(...known),
    measurements,
  };
}

function publish(report: Report, table: string, options: Options): void {
  const results = report.measurements.map((measurement) => ({
    ...measurement,
    outcome: outcomeOf(measurement),
  }));
  const json = `${JSON.stringify({ ...report, measurements: results }, undefined, 2)}\n`;
  mkdirSync(path.dirname(latestFile), { recursive: true });
  writeFileSync(latestFile, json);
  if (!options.writeReadme) return;
  const problem = unfitToPublish(report);
  if (problem !== undefined) throw new Error(problem);
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table));
  writeFileSync(publishedFile, json);
  const picture = draw(report.measurements);
  if (picture !== undefined) writeFileSync(pictureFile, picture);
}

const options = optionsOrExit();
try {
  // A README without the marks is better found now than after all has been measured.
  if (options.writeReadme) withTable(readFileSync(readme, 'utf8'), '');
  const report = await measure(options);
  const table = markdown(report);
  console.log(table);
  publish(report, table, options);
  const missed = report.measurements.filter((measurement) => !outcomeOf(measurement).met);
  process.exitCode = options.strict && missed.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error);
  // Whatever a scenario left running ends with this process.
  process.exit(1);
}
