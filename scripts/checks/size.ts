// Checks the size of files: at most 400 lines. Lists those with more than 250.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const LIMIT = 400;
const LONG = 250;

/** Files to measure under `root`, without generated ones. */
function measure(root: string): { file: string; lines: number }[] {
  return globSync(['src/**/*.{ts,lua}', 'test/**/*.ts', 'scripts/**/*.ts'], { cwd: root })
    .filter((file) => !file.startsWith('src/gen/'))
    .map((file) => ({ file, lines: readFileSync(path.join(root, file), 'utf8').split('\n').length - 1 }))
    .sort((a, b) => a.lines - b.lines);
}

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../..'));
const files = measure(root);
const quantile = (share: number): number => files[Math.floor((files.length - 1) * share)]?.lines ?? 0;

console.log(`${files.length} files, median ${quantile(0.5)} lines, p90 ${quantile(0.9)}.`);
for (const { file, lines } of files.filter((measured) => measured.lines > LONG)) {
  console.log(`${lines > LIMIT ? `over ${LIMIT}` : `over ${LONG}`}: ${file} has ${lines} lines`);
}
process.exitCode = files.some((measured) => measured.lines > LIMIT) ? 1 : 0;
