// The tables of variables in docs/configuration.md, generated from the configuration schemas.
//   node scripts/docs/config-table.ts           prints it
//   node scripts/docs/config-table.ts --write   writes it between the markers of docs/configuration.md
//   node scripts/docs/config-table.ts --check   fails if the page is out of date
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BFF_VARIABLES } from '../../src/bff/config/variables.ts';
import type { VariableSet } from '../../src/config/variable.ts';
import { SERVICE_VARIABLES } from '../../src/config/variables.ts';
import { withGeneratedPart } from './generated-part.ts';

export const CONFIGURATION_PAGE = path.join(import.meta.dirname, '../../docs/configuration.md');

/** A table in Markdown, one row per variable, without a newline at the end. */
export function configTable({ names, factsOf }: VariableSet): string {
  const rows = names.map((name) => {
    const { default: shown = '', meaning = '', example = '' } = factsOf(name) ?? {};
    return [`\`${name}\``, shown, meaning, `\`${example}\``].map(escaped).join(' | ');
  });
  return [
    '| variable | default | meaning | example |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** The page with current tables. */
export function withTables(page: string): string {
  const withService = withGeneratedPart(page, 'config', configTable(SERVICE_VARIABLES));
  return withGeneratedPart(withService, 'bff-config', configTable(BFF_VARIABLES));
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

function main(mode: string | undefined): void {
  if (mode === undefined) {
    console.log(configTable(SERVICE_VARIABLES));
    console.log(configTable(BFF_VARIABLES));
    return;
  }
  const page = readFileSync(CONFIGURATION_PAGE, 'utf8');
  const current = withTables(page);
  if (mode === '--write') {
    writeFileSync(CONFIGURATION_PAGE, current);
  } else if (current !== page) {
    console.error('The table in docs/configuration.md is out of date: run `npm run docs:config -- --write`.');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv[2]);
