// Runs jest with the given arguments. Fails if a timer, a socket or a process remains after the tests, of which jest
// only warns. Ends a run that hangs because of it.
import { spawn } from 'node:child_process';
import path from 'node:path';

const LEFT_BEHIND = /Jest did not exit .* after the test run|worker process has failed to exit gracefully/;
/** Longer than either message. */
const REMEMBERED = 500;

const jest = path.resolve(import.meta.dirname, '../node_modules/jest/bin/jest.js');
const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
const child = spawn(process.execPath, [...flags, jest, ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'pipe'],
  env: { ...process.env, ...(process.stderr.isTTY ? { FORCE_COLOR: '1' } : {}) },
});

let last = '';
let leftBehind = false;
child.stderr.setEncoding('utf8');
child.stderr.on('data', (text: string) => {
  process.stderr.write(text);
  last += text;
  leftBehind ||= LEFT_BEHIND.test(last);
  last = last.slice(-REMEMBERED);
  // Jest itself ended a worker; the rest of the run continues.
  if (/Jest did not exit/.test(last)) child.kill();
});

child.on('close', (code) => {
  if (leftBehind) console.error('\nFAILED: tests left a timer, a socket or a process open.');
  process.exitCode = leftBehind ? 1 : (code ?? 1);
});
