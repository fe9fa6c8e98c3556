import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientProject, run } from '../support/client-package.ts';

const root = path.resolve(import.meta.dirname, '../..');
const FAKED = '20.20.2';

/** An older Node.js on this machine; nothing is downloaded. */
const old = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/bin', '/usr/bin']
  .map((folder) => path.join(folder, 'node'))
  .map((node) => ({
    node,
    version: spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '',
  }))
  .find(({ version }) => /^v(?:1\d|2[01])\./.test(version));

/** Makes any Node.js report an older version. */
const versions = `{ value: { ...process.versions, node: '${FAKED}' } }`;
const preload = `data:text/javascript,Object.defineProperty(process, 'versions', ${versions})`;

let folder: string;
let project: ClientProject;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-old-node-'));
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', path.join(folder, 'dist')], root);
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  project = new ClientProject();
  project.write(
    'imports.mjs',
    "await import('latchkey-client').catch(({ message }) => console.log(message));\n",
  );
  project.write('imports-testing.mjs', "import 'latchkey-client/testing';\n");
  project.write(
    'requires.cjs',
    "try { require('latchkey-client'); } catch ({ message }) { console.log(message); }\n",
  );
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  project.remove();
});

function started(node: string, args: readonly string[], cwd = folder) {
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

const refusal = (version: string) => ({
  status: 1,
  stdout: '',
  stderr: `latchkey needs Node.js 22.13 or later; this is ${version}: upgrade Node.js.\n`,
});

describe.each([[['dist/main.js']], [['dist/cli/main.js', '--help']]])('%p', (command) => {
  // Without one of these only the next test checks anything.
  (old === undefined ? test.skip : test)(
    `says one sentence on the older Node.js of this machine, ${old?.version ?? 'which has none'}`,
    () => {
      expect(started(old?.node ?? '', command)).toEqual(refusal(old?.version ?? ''));
    },
  );

  test('prints one sentence on an older Node.js', () => {
    expect(started(process.execPath, ['--import', preload, ...command])).toEqual(refusal(`v${FAKED}`));
  });
});

describe('the published client', () => {
  const messageFor = (version: string) =>
    `latchkey-client needs Node.js 22.13 or later; this is ${version}: upgrade Node.js.\n`;
  const programs = [['imports.mjs'], ['requires.cjs']];

  (old === undefined ? test.skip : test).each(programs)(
    'throws one sentence on the older Node.js of this machine (%s)',
    (program) => {
      const { status, stdout } = started(old?.node ?? '', [program], project.folder);
      expect({ status, stdout }).toEqual({ status: 0, stdout: messageFor(old?.version ?? '') });
    },
  );

  test.each(programs)('throws an error of one sentence on an older Node.js (%s)', (program) => {
    const { status, stdout } = started(process.execPath, ['--import', preload, program], project.folder);
    expect({ status, stdout }).toEqual({ status: 0, stdout: messageFor(`v${FAKED}`) });
  });

  test('ends a test process that imports it, and cannot be caught', () => {
    const args = ['--import', preload, 'imports-testing.mjs'];
    const { status, stderr } = started(process.execPath, args, project.folder);
    expect(status).toBe(1);
    expect(stderr).toContain(messageFor(`v${FAKED}`).trim());
  });
});
