import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientAndService } from '../support/client-and-service.ts';
import type { ClientProject } from '../support/client-package.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { password } = ClientAndService;

let service: ClientAndService;
let project: ClientProject;

beforeAll(async () => {
  service = await ClientAndService.start();
  project = service.project;
}, 60_000);

afterAll(() => service.stop());

/** Signs in, validates the token, ends the session, and validates it again. */
const round = `
async function round(address: string): Promise<void> {
  const client = connect(address, { credentials: { kind: 'plaintext' } });
  await client.ready();
  const { tokens } = await client.login({ username: 'admin', password: '${password}' });
  const { accessToken } = tokens;
  const first = await client.validate(accessToken);
  const { revision } = await client.logout({ accessToken });
  const second = await client.validate(accessToken, { atLeastRevision: revision });
  console.log(first.kind === 'accepted' ? first.identity.roles.join() : first.reason);
  console.log(second.kind === 'rejected' ? second.endReason : second.kind);
  await client.close();
}
`;
const untyped = round.replace(': string', '').replace(': Promise<void>', '');
const startIt = "round(process.argv[2] ?? '');\n";

describe('the published client', () => {
  test('can be imported', () => {
    project.write('round.mjs', `import { connect } from 'latchkey-client';\n${untyped}${startIt}`);
    expect(project.node(['round.mjs', service.address])).toBe('admin\nLOGGED_OUT\n');
  });

  test('can be required', () => {
    project.write('round.cjs', `const { connect } = require('latchkey-client');\n${untyped}${startIt}`);
    expect(project.node(['round.cjs', service.address])).toBe('admin\nLOGGED_OUT\n');
  });

  test('compiles in strict mode, as ESM and as CommonJS, and runs', () => {
    const lines = (module: string) =>
      [
        "import { connect, expressGuard, grpcGuard, identityOf, type LatchkeyClient } from 'latchkey-client';",
        "import { testLatchkey } from 'latchkey-client/testing';",
        `export const kind = '${module}';`,
        'export const guards = (client: LatchkeyClient) => [expressGuard(client), grpcGuard(client)];',
        'export const inTests = () => [grpcGuard(testLatchkey().client), identityOf];',
        round,
        "void round(process.argv[2] ?? '');",
      ].join('\n');
    project.write('typed.mts', lines('esm'));
    project.write('typed.cts', lines('cjs'));
    project.tsc(['typed.mts', 'typed.cts'], { outDir: 'out' });
    expect(project.node(['out/typed.mjs', service.address])).toBe('admin\nLOGGED_OUT\n');
    expect(project.node(['out/typed.cjs', service.address])).toBe('admin\nLOGGED_OUT\n');
  });

  test("can be required in a Jest test, with the guide's settings and no flags", () => {
    const lines = [
      "const { testLatchkey } = require('latchkey-client/testing');",
      "test('signs in', async () => {",
      '  const latchkey = testLatchkey();',
      '  const { accessToken } = await latchkey.signIn({});',
      "  expect((await latchkey.client.validate(accessToken)).kind).toBe('accepted');",
      '});',
    ];
    project.write('signs-in.test.js', lines.join('\n'));
    expect(project.jest()).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
  });
});

describe('its tarball', () => {
  const manifest = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));

  test('contains the client, the validator and the contract code that they use, and nothing else', () => {
    const files = globSync('**/*.*', { cwd: project.installed });
    expect(files.length).toBeGreaterThan(50);
    const rooms = new Set(files.map((file) => (file.includes('/') ? file.split('/')[0] : file)));
    const atTheTop = ['node-version.d.ts', 'node-version.js', 'package.json', 'README.md'];
    expect(rooms).toStrictEqual(new Set(['client', 'gen', 'validator', ...atTheTop]));
    expect(files.filter((file) => /[.](js|d[.]ts)$|^package[.]json$|^README[.]md$/.test(file))).toStrictEqual(
      files,
    );
    expect(existsSync(path.join(project.installed, 'LICENSE'))).toBe(true);
  });

  test('imports its own files, its dependencies and Node, and nothing else', () => {
    const allowed = Object.keys(manifest(project.installed).dependencies);
    const stray: string[] = [];
    for (const file of globSync('**/*.{js,d.ts}', { cwd: project.installed })) {
      for (const specifier of importsOf(path.join(project.installed, file))) {
        if (!isFound(path.join(project.installed, path.dirname(file)), specifier, allowed)) {
          stray.push(`${file}: ${specifier}`);
        }
      }
    }
    expect(stray).toStrictEqual([]);
  });

  test('has the version of the service', () => {
    expect(manifest(project.installed).version).toBe(manifest(root).version);
  });
});

function importsOf(file: string): readonly string[] {
  const content = readFileSync(file, 'utf8');
  const pattern = /\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g;
  return [...content.matchAll(pattern)].map(([, , specifier = '']) => specifier);
}

function isFound(folder: string, specifier: string, allowed: readonly string[]): boolean {
  if (!specifier.startsWith('.')) {
    const isOf = (name: string) => specifier === name || specifier.startsWith(`${name}/`);
    return isBuiltin(specifier) || allowed.some(isOf);
  }
  // Declarations import each other by the names of the sources.
  const found = path.join(folder, specifier);
  return existsSync(found) || existsSync(found.replace(/[.]ts$/, '.d.ts'));
}
