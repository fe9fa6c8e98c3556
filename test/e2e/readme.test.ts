import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const shellBlocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);

const blockWith = (word: string) => shellBlocks.find((block) => block.includes(word)) ?? '';
const wordIn = (pattern: RegExp, block: string) => pattern.exec(block)?.[1] ?? '';

/** The output of a shell in the repository for a pasted block. */
async function paste(block: string): Promise<string> {
  const bin = path.join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  const shell = spawn('bash', ['-c', block], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
  return said;
}

describe('the README', () => {
  test('has commands that sign in, with a service started by its commands', async () => {
    const password = wordIn(/LATCHKEY_BOOTSTRAP_PASSWORD='([^']+)'/, blockWith('./scripts/run'));
    const dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-readme-'));
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_BOOTSTRAP_PASSWORD: password,
    });
    try {
      const said = await paste(blockWith('buf curl').replace('127.0.0.1:50051', service.address));
      expect(JSON.parse(said)).toMatchObject({
        signedIn: { tokens: { refreshToken: expect.stringMatching(/^lkr_/) } },
      });
    } finally {
      await service.stop();
      rmSync(dataDir, { recursive: true });
    }
  });

  test('has the same requests for grpcurl and buf', () => {
    const body = /-d '([^']+)'/;
    const method = /(latchkey\.v1\.IdentityService\/\w+)/;
    const [grpcurl, buf] = [blockWith('grpcurl -plaintext'), blockWith('buf curl')];
    expect(wordIn(body, grpcurl)).toBe(wordIn(body, buf));
    expect(wordIn(method, grpcurl)).toBe(wordIn(method, buf));
  });

  test.each(['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: root })])(
    'and the other documents link to existing files and headings (%s)',
    (page) => {
      // Brackets in code are not links.
      const content = readFileSync(path.join(root, page), 'utf8').replaceAll(/^```.*?^```$/gms, '');
      for (const [, target = ''] of content.matchAll(/\]\(([^)]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [file = '', heading] = target.split('#');
        const linked = file === '' ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
        expect(`${target} ${existsSync(linked)}`).toBe(`${target} true`);
        if (heading !== undefined) expect(headingsOf(linked)).toContain(heading);
      }
    },
  );
});

/** The anchors of a page's headings. */
function headingsOf(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
