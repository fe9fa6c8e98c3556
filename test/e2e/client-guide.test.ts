import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientProject, type Compiler } from '../support/client-package.ts';
import { codeOf, programOf } from '../support/guide-code.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const root = path.resolve(import.meta.dirname, '../..');
const password = 'correct horse battery';
const dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-guide-'));

let project: ClientProject;
let service: LatchkeyProcess;
let blocks: readonly string[];

beforeAll(async () => {
  project = new ClientProject();
  for (const name of ['fastify', 'jest', '@swc/jest', '@swc/core']) project.link(name);
  const guides = [path.join(root, 'README.md'), path.join(project.installed, 'README.md')];
  blocks = guides.flatMap((guide) => codeOf(readFileSync(guide, 'utf8')));
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: password,
  });
}, 60_000);

afterAll(async () => {
  await service.stop();
  project.remove();
  rmSync(dataDir, { recursive: true });
});

const IMPORTS = "import { connect } from 'latchkey-client';\n";
const CONNECTED = `${IMPORTS}
const latchkey = connect(process.argv[2] ?? '', { credentials: { kind: 'plaintext' } });
const [username, password] = ['admin', '${password}'];
const accessToken = (await latchkey.login({ username, password })).tokens.accessToken;
const serve = (_: object) => {};
const refuse = (..._: readonly (string | undefined)[]) => {};
`;
const TESTING = `
import { Server } from '@grpc/grpc-js';
import { grpcGuard } from 'latchkey-client';
`;
const CLOSE = '\nawait latchkey.close();';

/** What the guides take for granted around each of their blocks, which is known by a piece of it. */
const SURROUNDINGS: readonly (readonly [piece: string, before: string, after: string])[] = [
  ['// In any handler: const', '', CLOSE],
  ['// In any handler, whatever', '', `}\nvoid handler;${CLOSE}`],
  ['await latchkey.validate(accessToken)', CONNECTED, CLOSE],
  ['await latchkey.logout({ accessToken })', CONNECTED, `${CLOSE}\nvoid [tokens, session, refreshed];`],
  ['serviceAccount: {', `${IMPORTS}const password = '${password}';\n`, CLOSE],
  ['declare module', '', ''],
  ['testLatchkey()', TESTING, `void [accessToken, server];${CLOSE.replace('latchkey', 'latchkey.client')}`],
];

/** The block as a program that runs against the service of this test. */
function runnable(block: string): string {
  const [, before, after] = SURROUNDINGS.find(([piece]) => block.includes(piece)) ?? [];
  expect([block, before]).not.toContain(undefined);
  return `${before}${block}${after}`
    .replace('// In any handler, w', 'function handler(call: Parameters<typeof identityOf>[0]) {\n// W')
    .replace(
      /'identity[.]internal:50051', \{/,
      "process.argv[2] ?? '', { credentials: { kind: 'plaintext' },",
    )
    .replace("username: 'billing'", "username: 'admin'");
}

const RUN = "void main().then(() => console.log('done'));\n";
const isDeclaration = (block: string) => block.startsWith('declare');

describe('the code of the guides, strict and with exactOptionalPropertyTypes,', () => {
  test.each<[compiler: Compiler, extension: 'mts' | 'cts', options: object]>([
    ['typescript', 'mts', { target: 'es2024', skipLibCheck: false }],
    ['typescript', 'cts', { target: 'es2024', skipLibCheck: false }],
    ['typescript-5.6', 'mts', { target: 'es2023', skipLibCheck: true }],
    ['typescript-5.6', 'cts', { target: 'es2023', skipLibCheck: true }],
  ])(
    'is compiled by %s as %s, and runs',
    (compiler, extension, options) => {
      const dynamically = compiler === 'typescript-5.6' && extension === 'cts';
      const programs = blocks.filter((block) => !isDeclaration(block));
      expect(programs).toHaveLength(6);
      const files = programs.map((block, index) => {
        project.write(`block-${index}.${extension}`, programOf(runnable(block), dynamically) + RUN);
        return `block-${index}.${extension}`;
      });
      const compilerOptions = {
        ...{ module: 'nodenext', strict: true, exactOptionalPropertyTypes: true, types: ['node'] },
        ...{ outDir: `out-${compiler}`, ...options },
      };
      project.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
      project.tsc(compiler);
      for (const file of files) {
        const compiled = `out-${compiler}/${file.replace('ts', 'js')}`;
        expect(project.node([compiled, service.address])).toBe('done\n');
      }
    },
    60_000,
  );

  test.each<Compiler>(['typescript', 'typescript-5.6'])(
    'tells Fastify of the access of its routes (%s)',
    (compiler) => {
      const [declaration = ''] = blocks.filter(isDeclaration);
      const route = "export const config: FastifyContextConfig = { access: { anyRole: ['admin'] } };";
      const lines = ["import type { FastifyContextConfig } from 'fastify';", declaration, route];
      project.write('routes.mts', lines.join('\n'));
      const compilerOptions = {
        ...{ module: 'nodenext', strict: true, exactOptionalPropertyTypes: true, types: ['node'] },
        ...{ target: 'es2023', skipLibCheck: true, noEmit: true },
      };
      project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['routes.mts'] }));
      project.tsc(compiler);
    },
  );
});

test('the lines of the guide for tests run in Jest, with the settings of the guide', () => {
  const guide = readFileSync(path.join(project.installed, 'README.md'), 'utf8');
  const [, settings = ''] = /^```js\n(\/\/ jest[.]config[.]js\n.*?)^```$/ms.exec(guide) ?? [];
  project.write('jest.config.js', settings);
  const block = blocks.find((each) => each.includes('testLatchkey()')) ?? '';
  project.write('guide.test.js', `${programOf(runnable(block), false)}test('runs', main);\n`);
  const report = project.node(['node_modules/jest/bin/jest.js', '--json', '--cache=false']);
  expect(JSON.parse(report)).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
}, 30_000);

test('TypeScript 5.6 finds fault with no declaration of the client, only with those of @bufbuild/protobuf', () => {
  project.write('all.mts', "import 'latchkey-client';\nimport 'latchkey-client/testing';\n");
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    types: ['node'],
    noEmit: true,
  };
  project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['all.mts'] }));
  const faults = project.faults('typescript-5.6');
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.filter((fault) => !/@bufbuild\/protobuf\/.*'Uint8Array' is not generic/.test(fault))).toEqual(
    [],
  );
});
