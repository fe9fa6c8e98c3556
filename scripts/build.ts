// Compiles src to dist and takes along what the compiler does not know: Lua scripts and the descriptor image.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const assets = ['adapters/redis/scripts/*.lua', 'gen/*.binpb'];

rmSync(path.join(root, 'dist'), { recursive: true, force: true });

// Not `tsc`: the TypeScript 5.6 of the tests has a command of the same name.
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

// The operator's command; npx runs the file itself.
chmodSync(path.join(root, 'dist/cli/main.js'), 0o755);

// The last thing written: scripts/run builds again when a source is newer than it, or when it is missing.
writeFileSync(path.join(root, 'dist/.built'), '');
