// Runs jest with the given arguments. Ends a run that hangs because something remains open after the tests, and fails.
import { spawn } from 'node:child_process';
import path from 'node:path';

const LEFT_BEHIND = /Jest did not exit/;
/** Longer than the message. */
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
  if (leftBehind) child.kill();
});

child.on('close', (code) => {
  if (leftBehind) console.error('\nFAILED: tests left a timer, a socket or a process open.');
  process.exitCode = leftBehind ? 1 : (code ?? 1);
});
