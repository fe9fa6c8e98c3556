// The README's table of variables, made of what the program itself knows of them.
//   node scripts/docs/config-table.ts           prints it
//   node scripts/docs/config-table.ts --write   puts it between the markers of README.md
//   node scripts/docs/config-table.ts --check   fails unless it is there already
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { factsOf, VARIABLE_NAMES } from '../../src/config/variables.ts';

const BEGIN = '<!-- config:begin -->';
const END = '<!-- config:end -->';

/** The table in Markdown, one row for each variable, without a line end after the last. */
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

/** The page with `table` between its markers; undefined: it has no markers. */
export function withTable(page: string, table: string): string | undefined {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) return undefined;
  return `${page.slice(0, begin + BEGIN.length)}\n${table}\n${page.slice(end)}`;
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

function main(mode: string | undefined): void {
  if (mode === undefined) {
    console.log(configTable());
    return;
  }
  const file = path.join(import.meta.dirname, '../../README.md');
  const page = readFileSync(file, 'utf8');
  const current = withTable(page, configTable());
  if (current === undefined) throw new Error(`README.md has no ${BEGIN} and ${END}.`);
  if (mode === '--write') {
    writeFileSync(file, current);
  } else if (current !== page) {
    console.error(
      'The table of variables in README.md is not current: run `npm run docs:config -- --write`.',
    );
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv[2]);
