// Compares proto/ with the latest release: a change that breaks the wire or JSON format is an error. Before the first
// release the contract may change.
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

const [release] = git('tag', '--list', 'v*', '--sort=-v:refname')?.toString().split('\n') ?? [];
if (release === undefined || release === '') {
  pass('Not compared: nothing is released yet, so the contract may change.');
}

// Uses an archive of the tree instead of buf's clone, because it also works in a worktree and in a shallow clone.
const before = git('archive', '--format=tar', release, '--', 'proto', 'buf.yaml');
if (before === undefined) {
  console.error(`The tree of ${release} could not be read.`);
  process.exit(1);
}
const compared = spawnSync('buf', ['breaking', '--against', '-#format=tar'], { cwd: root, input: before });
process.stdout.write(compared.stdout);
process.stderr.write(compared.stderr);
if (compared.status !== 0) {
  process.exit(compared.status ?? 1);
}
console.log(`Nothing in proto/ breaks with ${release}.`);
