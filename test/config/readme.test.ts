import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configTable, withTable } from '../../scripts/docs/config-table.ts';
import { VARIABLE_NAMES } from '../../src/config/variables.ts';

const README = path.join(import.meta.dirname, '../../README.md');

describe('the table of variables', () => {
  test('has a row for every variable, with its default and an example', () => {
    const rows = configTable().split('\n').slice(2);
    expect(rows).toHaveLength(VARIABLE_NAMES.length);
    for (const [index, name] of VARIABLE_NAMES.entries()) {
      expect(rows[index]).toContain(`\`${name}\``);
    }
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5);
  });

  test('is put between the markers and nowhere else', () => {
    const page = 'before\n<!-- config:begin -->\nold\n<!-- config:end -->\nafter\n';
    expect(withTable(page, 'new')).toBe('before\n<!-- config:begin -->\nnew\n<!-- config:end -->\nafter\n');
    expect(withTable('no markers', 'new')).toBeUndefined();
  });

  test('is current in the README', () => {
    const page = readFileSync(README, 'utf8');
    expect(withTable(page, configTable())).toBe(page);
  });
});
