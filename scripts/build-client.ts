// Compiles the client and its dependencies in src, and packs it as npm would publish it.
//
//   node scripts/build-client.ts [folder]      default: dist-client
//
// The package is in <folder>/package, and its tarball beside it.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, '..');
const folder = path.resolve(process.argv[2] ?? path.join(root, 'dist-client'));
const content = path.join(folder, 'package');

/** Fields that both packages share: the client has the version of the service. */
function checkAgreement(): void {
  const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Manifest;
  const [service, client] = [read('package.json'), read('src/client/package.json')];
  const pairs = [
    ['version', client.version, service.version],
    ['license', client.license, service.license],
    ['engines.node', client.engines['node'], service.engines['node']],
    ...Object.entries(client.dependencies).map(([name, range]) => [name, range, service.dependencies[name]]),
  ];
  const differing = pairs.filter(([, ofClient, ofService]) => ofClient !== ofService);
  for (const [name, ofClient, ofService] of differing) {
    console.error(`src/client/package.json says ${name} ${ofClient}, package.json says ${ofService}.`);
  }
  if (differing.length > 0) process.exit(1);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

checkAgreement();
rmSync(content, { recursive: true, force: true });
// Not .bin/tsc: the TypeScript 5.6 of the tests has a command with the same name.
const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
run(process.execPath, [compiler, '-p', 'tsconfig.client.json', '--outDir', content], root);
for (const [from, to] of [
  ['src/client/package.json', 'package.json'],
  ['src/client/README.md', 'README.md'],
  ['LICENSE', 'LICENSE'],
] as const) {
  cpSync(path.join(root, from), path.join(content, to));
}
run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], content);
