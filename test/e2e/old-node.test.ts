import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { run } from '../support/client-package.ts';

const root = path.resolve(import.meta.dirname, '../..');
const FAKED = '20.20.2';

/** An older Node.js that this machine has; nothing is downloaded. */
const old = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/bin', '/usr/bin']
  .map((folder) => path.join(folder, 'node'))
  .map((node) => ({
    node,
    version: spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '',
  }))
  .find(({ version }) => /^v(?:1\d|2[01])\./.test(version));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-old-node-'));
  run('tsc', ['-p', 'tsconfig.build.json', '--outDir', path.join(folder, 'dist')], root);
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function started(node: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

const refusal = (version: string) => ({
  status: 1,
  stdout: '',
  stderr: `latchkey needs Node.js 22.13 or later; this is ${version}.\n`,
});

describe.each([[['dist/main.js']], [['dist/cli/main.js', '--help']]])('%p', (command) => {
  // Without one of these only the next test says something.
  (old === undefined ? test.skip : test)(
    `says one sentence on the older Node.js of this machine, ${old?.version ?? 'which has none'}`,
    () => {
      expect(started(old?.node ?? '', command)).toEqual(refusal(old?.version ?? ''));
    },
  );

  test('says one sentence on a Node.js that calls itself an older one', () => {
    const versions = `{ value: { ...process.versions, node: '${FAKED}' } }`;
    const preload = `data:text/javascript,Object.defineProperty(process, 'versions', ${versions})`;
    expect(started(process.execPath, ['--import', preload, ...command])).toEqual(refusal(`v${FAKED}`));
  });
});
