import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CONFIGURATION_PAGE, configTable, withTables } from '../../scripts/docs/config-table.ts';
import { withGeneratedPart } from '../../scripts/docs/generated-part.ts';
import { BFF_VARIABLES } from '../../src/bff/config/variables.ts';
import { SERVICE_VARIABLES } from '../../src/config/variables.ts';

describe('the table of variables', () => {
  test.each([SERVICE_VARIABLES, BFF_VARIABLES])(
    'of $program has a row for each, with default and example',
    (set) => {
      const rows = configTable(set).split('\n').slice(2);
      expect(rows).toHaveLength(set.names.length);
      for (const [index, name] of set.names.entries()) {
        expect(rows[index]).toContain(`\`${name}\``);
      }
      for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5);
    },
  );

  test('is up to date in docs/configuration.md', () => {
    const page = readFileSync(CONFIGURATION_PAGE, 'utf8');
    expect(withTables(page)).toBe(page);
  });

  test('is not in the README, which links to the page', () => {
    const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
    expect(readme).toContain('](docs/configuration.md)');
    expect(readme).not.toContain('config:begin');
  });
});

describe('a generated part of a page', () => {
  test('replaces only the text between its markers', () => {
    const page = 'above\n<!-- config:begin -->\nold\n<!-- config:end -->\nbelow\n';
    const changed = 'above\n<!-- config:begin -->\nnew\n<!-- config:end -->\nbelow\n';
    expect(withGeneratedPart(page, 'config', 'new')).toBe(changed);
    expect(withGeneratedPart(changed, 'config', 'new')).toBe(changed);
  });

  test.each([
    'no markers',
    '<!-- config:begin --> only',
    '<!-- config:end --><!-- config:begin -->',
    '<!-- config:begin --><!-- config:end --><!-- config:begin -->',
  ])('is refused by a page without both markers, once and in order: %s', (page) => {
    expect(() => withGeneratedPart(page, 'config', 'new')).toThrow('config:begin');
  });
});
