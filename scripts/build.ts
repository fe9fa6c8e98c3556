// Compiles src to dist and copies other files: Lua scripts, the descriptor image, and the assets of pages.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const assets = ['adapters/redis/scripts/*.lua', 'gen/*.binpb', 'bff/pages/assets/*'];

rmSync(path.join(root, 'dist'), { recursive: true, force: true });

// Not `tsc`: the TypeScript 5.6 of the tests has a command with the same name.
const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) {
  process.exit(compiled.status ?? 1);
}

for (const asset of globSync(assets, { cwd: path.join(root, 'src') })) {
  cpSync(path.join(root, 'src', asset), path.join(root, 'dist', asset));
}

// The command-line tool; npx runs the file directly.
chmodSync(path.join(root, 'dist/cli/main.js'), 0o755);

// Written last: scripts/run builds again if it is missing or older than a source file.
writeFileSync(path.join(root, 'dist/.built'), '');
