import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientAndService } from '../support/client-and-service.ts';
import type { ClientProject, Compiler } from '../support/client-package.ts';
import { reachable } from '../support/example-code.ts';
import { codeOf, programOf } from '../support/guide-code.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { password } = ClientAndService;

let service: ClientAndService;
let project: ClientProject;
let blocks: readonly string[];

beforeAll(async () => {
  service = await ClientAndService.start();
  project = service.project;
  project.link('fastify');
  const guides = [path.join(root, 'README.md'), path.join(project.installed, 'README.md')];
  blocks = guides.flatMap((guide) => codeOf(readFileSync(guide, 'utf8')));
}, 60_000);

afterAll(() => service.stop());

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

/** The declarations that the guides assume around each block. A part of its text identifies the block. */
const SURROUNDINGS: readonly (readonly [piece: string, before: string, after: string])[] = [
  ['// In any handler: const', '', CLOSE],
  ['// In any kind of handler', '', `}\nvoid handler;${CLOSE}`],
  ['await latchkey.validate(accessToken)', CONNECTED, CLOSE],
  ['await latchkey.logout({ accessToken })', CONNECTED, `${CLOSE}\nvoid [tokens, session, refreshed];`],
  [
    'latchkey.sessions.changePassword',
    `${CONNECTED}const [newPassword, deviceToken] = ['a horse of another colour', ''];\n`,
    // The other blocks sign in with the password from before.
    '\nconst back = { currentPassword: newPassword, newPassword: password };' +
      `\nawait latchkey.sessions.changePassword(back, { token: accessToken });${CLOSE}`,
  ],
  ['latchkey.sessions.listSessions', CONNECTED, `${CLOSE}\nvoid sessions;`],
  [
    'latchkey.watchSession',
    `${CONNECTED}
const showSignInPage = (_: string) => {};
setTimeout(() => void latchkey.logout({ accessToken }), 100);
`,
    CLOSE,
  ],
  ['serviceAccount: {', `${IMPORTS}const password = '${password}';\n`, CLOSE],
  ['declare module', '', ''],
  ['testLatchkey()', TESTING, `void [accessToken, server];${CLOSE.replace('latchkey', 'latchkey.client')}`],
];

/** The block as a program that runs against the service of this test. */
function runnable(block: string): string {
  const [, before, after] = SURROUNDINGS.find(([piece]) => block.includes(piece)) ?? [];
  expect([block, before]).not.toContain(undefined);
  return reachable(`${before}${block}${after}`)
    .replace(
      '// In any kind of',
      'function handler(call: Parameters<typeof identityOf>[0]) {\n// In any kind of',
    )
    .replace("username: 'billing'", "username: 'admin'");
}

const RUN = "void main().then(() => console.log('done'));\n";
const isDeclaration = (block: string) => block.startsWith('declare');

describe('the code of the guides, strict and with exactOptionalPropertyTypes,', () => {
  test.each<[compiler: Compiler, extension: 'mts' | 'cts', options: object]>([
    ['typescript', 'mts', {}],
    ['typescript', 'cts', {}],
    ['typescript-5.6', 'mts', { target: 'es2023', skipLibCheck: true }],
    ['typescript-5.6', 'cts', { target: 'es2023', skipLibCheck: true }],
  ])(
    'is compiled by %s as %s, and runs',
    (compiler, extension, options) => {
      const dynamically = compiler === 'typescript-5.6' && extension === 'cts';
      const programs = blocks.filter((block) => !isDeclaration(block));
      expect(programs).toHaveLength(9);
      const files = programs.map((block, index) => {
        project.write(`block-${index}.${extension}`, programOf(runnable(block), dynamically) + RUN);
        return `block-${index}.${extension}`;
      });
      project.tsc(files, { outDir: `out-${compiler}`, ...options }, compiler);
      for (const file of files) {
        const compiled = `out-${compiler}/${file.replace('ts', 'js')}`;
        expect(project.node([compiled, service.address])).toBe('done\n');
      }
    },
    60_000,
  );

  test.each<Compiler>(['typescript', 'typescript-5.6'])(
    'declares the access of Fastify routes (%s)',
    (compiler) => {
      const [declaration = ''] = blocks.filter(isDeclaration);
      const route = "export const config: FastifyContextConfig = { access: { anyRole: ['admin'] } };";
      const lines = ["import type { FastifyContextConfig } from 'fastify';", declaration, route];
      project.write('routes.mts', lines.join('\n'));
      project.tsc(['routes.mts'], { target: 'es2023', skipLibCheck: true, noEmit: true }, compiler);
    },
  );
});

test("the guide's code for tests, in Jest with the guide's settings", () => {
  const block = blocks.find((each) => each.includes('testLatchkey()')) ?? '';
  project.write('guide.test.js', `${programOf(runnable(block), false)}test('runs', main);\n`);
  expect(project.jest()).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
}, 30_000);

test("TypeScript 5.6 reports no error in the client's declarations, only in those of @bufbuild/protobuf", () => {
  project.write('all.mts', "import 'latchkey-client';\nimport 'latchkey-client/testing';\n");
  const options = { target: 'es2023', exactOptionalPropertyTypes: false, noEmit: true };
  const faults = project.faults(['all.mts'], options, 'typescript-5.6');
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.filter((fault) => !/@bufbuild\/protobuf\/.*'Uint8Array' is not generic/.test(fault))).toEqual(
    [],
  );
});
