// npm run bench: measures latchkey against an empty echo server, on the same machine in the same run.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { draw } from '../docs/benchmark-picture.ts';
import { withGeneratedPart } from '../docs/generated-part.ts';
import { busyShare, describeMachine, requireQuiet } from './machine.ts';
import { type Measurement, outcomeOf } from './measurement.ts';
import { type Options, parseOptions, SCENARIOS, USAGE } from './options.ts';
import { markdown, type Report } from './report.ts';
import { endStands } from './servers/stand.ts';

/** The numbers of the last run; not committed. */
const latestFile = path.join(import.meta.dirname, 'results/latest.json');
/** The published numbers; committed with the page. */
const publishedFile = path.join(import.meta.dirname, 'published.json');
const docs = path.join(import.meta.dirname, '../../docs');
const page = path.join(docs, 'benchmarks.md');
const picture = path.join(docs, 'bench.svg');

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

async function measure({ only, rounds, seconds, sessions }: Options): Promise<Report> {
  const machine = describeMachine();
  const busyBefore = busyShare();
  const measurements: Measurement[] = [];
  for (const [name, measureScenario] of Object.entries(SCENARIOS)) {
    if (!only.includes(name)) continue;
    console.error(`measuring ${name}`);
    measurements.push(...[await measureScenario({ rounds, seconds, sessions })].flat());
  }
  const options = { rounds, seconds, sessions };
  return { measuredAt: new Date().toISOString(), machine, options, busyBefore, measurements };
}

/** What would prevent publishing should fail before everything is measured. */
function checkBeforePublishing(): void {
  withGeneratedPart(readFileSync(page, 'utf8'), 'bench', '');
  requireQuiet(busyShare());
}

function write(report: Report, tables: string, publish: boolean): void {
  const withOutcomes = report.measurements.map((row) => ({ ...row, outcome: outcomeOf(row) }));
  const json = `${JSON.stringify({ ...report, measurements: withOutcomes }, undefined, 2)}\n`;
  mkdirSync(path.dirname(latestFile), { recursive: true });
  writeFileSync(latestFile, json);
  if (!publish) return;
  writeFileSync(page, withGeneratedPart(readFileSync(page, 'utf8'), 'bench', tables));
  writeFileSync(publishedFile, json);
  writeFileSync(picture, draw(report.measurements) ?? '');
}

const options = optionsOrExit();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void endStands().finally(() => process.exit(1)));
}
try {
  if (options.publish) checkBeforePublishing();
  const report = await measure(options);
  const tables = markdown(report);
  console.log(tables);
  write(report, tables, options.publish);
  const missed = report.measurements.some((row) => !outcomeOf(row).met);
  process.exitCode = options.strict && missed ? 1 : 0;
} catch (error) {
  console.error(error);
  process.exit(1);
}
