// Compares proto/ with every contract that clients may rely on: a change that breaks the wire or its JSON form is an
// error. These are the contract of the commit below, the latest release, and the main branch.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Since this commit the contract changes only compatibly. */
const FIRST_CONTRACT = '79f18571';

const root = path.resolve(import.meta.dirname, '../..');

function git(...args: string[]): Buffer | undefined {
  const run = spawnSync('git', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  return run.status === 0 ? run.stdout : undefined;
}

/** The full hash of a commit. Undefined: the clone does not have it. */
function commitOf(name: string): string | undefined {
  return git('rev-parse', '--verify', '--quiet', `${name}^{commit}`)?.toString().trim();
}

/** False for a branch of an old clone, which has an earlier contract. */
function isFixed(commit: string): boolean {
  const first = commitOf(FIRST_CONTRACT);
  return first === undefined || git('merge-base', '--is-ancestor', first, commit) !== undefined;
}

/** True if proto/ breaks nothing that the commit promises. */
function isCompatible(commit: string): boolean {
  // An archive of the tree, not buf's own clone: it works in a worktree and in a shallow clone as well.
  const input = git('archive', '--format=tar', commit, '--', 'proto', 'buf.yaml');
  if (input === undefined) throw new Error(`The tree of ${commit} could not be read.`);
  const compared = spawnSync('buf', ['breaking', '--against', '-#format=tar'], { cwd: root, input });
  if (compared.error !== undefined) throw compared.error;
  process.stdout.write(compared.stdout);
  process.stderr.write(compared.stderr);
  return compared.status === 0;
}

const [release = ''] = git('tag', '--list', 'v*', '--sort=-v:refname')?.toString().split('\n') ?? [];
const names = [FIRST_CONTRACT, release, 'main', 'origin/main'].filter((name) => name !== '');
const found = names.flatMap((name) => {
  const commit = commitOf(name);
  return commit === undefined || !isFixed(commit) ? [] : [{ name, commit }];
});
const byCommit = new Map(found.map(({ name, commit }) => [commit, name]));
const broken = [...byCommit].filter(([commit]) => !isCompatible(commit)).map(([, name]) => name);
if (broken.length > 0) {
  console.error(
    `proto/ breaks clients of ${broken.join(', ')}: add fields and rpcs instead of changing them.`,
  );
  process.exit(1);
}
const compared = [...byCommit.values()].join(', ');
console.log(
  compared === '' ? 'Not compared: this clone has no history.' : `Nothing in proto/ breaks with ${compared}.`,
);
