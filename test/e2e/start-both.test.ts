import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Browser } from '../bff/support/browser.ts';
import { eventually } from '../support/eventually.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-both-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function startBoth() {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, ['scripts/start-both.ts', 'src'], {
    cwd: root,
    env: {
      ...{ PATH, HOME, LATCHKEY_DATA_DIR: folder, LATCHKEY_BCRYPT_COST: '4' },
      ...{ LATCHKEY_LISTEN: '127.0.0.1:0', LATCHKEY_METRICS_LISTEN: 'off' },
      LATCHKEY_BFF_LISTEN: '127.0.0.1:0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('one command starts the service and the BFF, says where and as whom to sign in, and one signal stops both', async () => {
  const child = startBoth();
  child.stdout.resume();
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  await eventually(() => /\nOpen .*\n/.test(said), 25_000);
  const invitation = /Open (http:\/\/127\.0\.0\.1:\d+) and sign in as (\S+) with the password (\S+)\n/;
  const [, origin = '', username = '', password = ''] = invitation.exec(said) ?? [];
  const browser = new Browser(origin);
  expect((await browser.get('/sign-in')).text).toMatch(/^<!doctype html>/);
  expect((await browser.signIn(username, password)).headers.get('location')).toBe('/devices');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}, 60_000);

test('it goes on if whoever reads what it says has gone, and still stops both', async () => {
  const child = startBoth();
  child.stderr.destroy();
  const ended = once(child, 'exit');
  let logged = '';
  child.stdout.on('data', (chunk) => {
    logged += String(chunk);
  });
  await eventually(() => logged.includes('plain http'), 25_000);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}, 60_000);
