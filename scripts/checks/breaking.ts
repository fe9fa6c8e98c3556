// Holds proto/ against the main branch: a change that breaks the wire or its JSON form is a fault.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

function git(...args: string[]): Buffer | undefined {
  const run = spawnSync('git', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  return run.status === 0 ? run.stdout : undefined;
}

function pass(sentence: string): never {
  console.log(sentence);
  process.exit(0);
}

const main = ['refs/remotes/origin/main', 'refs/heads/main'].find(
  (ref) => git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`) !== undefined,
);
if (main === undefined) {
  pass('Not compared: this clone has neither origin/main nor main.');
}
if ((git('ls-tree', '-r', '--name-only', main, '--', 'proto')?.length ?? 0) === 0) {
  pass(`Not compared: ${main} has no protos.`);
}

// An archive of the tree, not buf's own clone: it works in a worktree and in a shallow clone as well.
const before = git('archive', '--format=tar', main, '--', 'proto', 'buf.yaml');
if (before === undefined) {
  console.error(`The tree of ${main} could not be read.`);
  process.exit(1);
}
const compared = spawnSync('buf', ['breaking', '--against', '-#format=tar'], { cwd: root, input: before });
process.stdout.write(compared.stdout);
process.stderr.write(compared.stderr);
if (compared.status !== 0) {
  process.exit(compared.status ?? 1);
}
console.log(`Nothing in proto/ breaks with ${main}.`);
