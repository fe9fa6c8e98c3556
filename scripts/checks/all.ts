// Runs every `check:*` script of package.json and reports all that failed, not only the first.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const checks = Object.keys(scripts).filter((name) => name.startsWith('check:'));

const failed = checks.filter((name) => {
  const started = performance.now();
  const run = spawnSync('npm', ['run', '--silent', name], { cwd: root, encoding: 'utf8' });
  const ok = run.status === 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  const said = `${run.stdout}${run.stderr}`.trim();
  if (!ok || name === 'check:size' || name === 'check:breaking') {
    console.log(said.replaceAll(/^/gm, '       '));
  }
  return !ok;
});

console.log(failed.length === 0 ? `${checks.length} checks passed` : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
