import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nodeVersionProblem } from '../../src/node-version.ts';

const root = path.resolve(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(path.join(root, file), 'utf8');
const enginesOf = (file: string) => (JSON.parse(text(file)) as { engines: { node: string } }).engines.node;

describe('the supported Node.js version', () => {
  test.each(['0.12.18', '18.20.8', '20.20.2', '22.0.0', '22.12.0'])('is not %s', (version) => {
    const message = `needs Node.js 22.13 or later; this is v${version}: upgrade Node.js.`;
    expect(nodeVersionProblem(version)).toBe(`latchkey ${message}`);
    expect(nodeVersionProblem(version, 'latchkey-client')).toBe(`latchkey-client ${message}`);
  });

  test.each(['22.13.0', '22.20.1', '23.4.0', '24.21.0', '100.0.0', '25.0.0-nightly2026'])(
    'may be %s',
    (version) => {
      expect(nodeVersionProblem(version)).toBeUndefined();
    },
  );

  test('is stated the same everywhere', () => {
    expect(enginesOf('package.json')).toBe('>=22.13');
    expect(enginesOf('src/client/package.json')).toBe('>=22.13');
    expect(text('docs/operations.md')).toContain('latchkey runs on Node.js 22.13 or later.');
    expect(text('src/client/README.md')).toContain('Node.js 22.13 or later.');
    expect(text('Dockerfile').match(/FROM node:\d+/g)).toEqual(Array(3).fill('FROM node:24'));
  });

  test('is installed by the scripts, which run on an older one', () => {
    expect(text('README.md')).toContain('with Node.js 20 or later and npm');
    expect(text('docs/operations.md')).toContain('need Node.js 20 or later and npm');
    const install = text('scripts/install');
    expect(install.match(/Node\.js \d+ or later/g)).toEqual(['Node.js 20 or later', 'Node.js 20 or later']);
    expect(install).toContain('>= 20 ?');
    // The sentence says which version is needed.
    expect(install).not.toMatch(/latchkey needs Node\.js/);
  });
});
