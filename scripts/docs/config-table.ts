// The table of variables in docs/configuration.md, generated from the configuration schema.
//   node scripts/docs/config-table.ts           prints it
//   node scripts/docs/config-table.ts --write   writes it between the markers of docs/configuration.md
//   node scripts/docs/config-table.ts --check   fails if the page is out of date
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { factsOf, VARIABLE_NAMES } from '../../src/config/variables.ts';
import { withGeneratedPart } from './generated-part.ts';

export const CONFIGURATION_PAGE = path.join(import.meta.dirname, '../../docs/configuration.md');

/** The table in Markdown, one row per variable, without a newline at the end. */
export function configTable(): string {
  const rows = VARIABLE_NAMES.map((name) => {
    const { default: shown, meaning, example } = factsOf(name);
    return [`\`${name}\``, shown, meaning, `\`${example}\``].map(escaped).join(' | ');
  });
  return [
    '| variable | default | meaning | example |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

function main(mode: string | undefined): void {
  if (mode === undefined) {
    console.log(configTable());
    return;
  }
  const page = readFileSync(CONFIGURATION_PAGE, 'utf8');
  const current = withGeneratedPart(page, 'config', configTable());
  if (mode === '--write') {
    writeFileSync(CONFIGURATION_PAGE, current);
  } else if (current !== page) {
    console.error('The table in docs/configuration.md is out of date: run `npm run docs:config -- --write`.');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv[2]);
