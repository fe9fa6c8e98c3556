import { spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** TypeScript 7, and the oldest version that the client is tested with. */
export type Compiler = 'typescript' | 'typescript-5.6';

/** Runs a program to its end; fails with its output if it failed. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? ''}\n${stdout}${stderr}`);
  return stdout;
}

/** A user's project, with the client installed from its tarball and nothing else of ours. */
export class ClientProject {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'latchkey-client-'));
  /** The folder of the unpacked client. */
  readonly installed = path.join(this.folder, 'node_modules/latchkey-client');

  constructor() {
    const built = path.join(this.folder, 'built');
    run(process.execPath, [path.join(root, 'scripts/build-client.ts'), built], root);
    const [tarball = ''] = globSync('*.tgz', { cwd: built });
    mkdirSync(this.installed, { recursive: true });
    const unpack = ['-xzf', path.join(built, tarball), '-C', this.installed, '--strip-components=1'];
    run('tar', unpack, this.folder);
    rmSync(built, { recursive: true });
    // The packages that npm would install. Their own dependencies are found beside them.
    for (const name of ['@bufbuild/protobuf', '@grpc/grpc-js', 'jose', '@types/node']) this.link(name);
  }

  /** Installs a package of this repository. */
  link(name: string): void {
    const target = path.join(this.folder, 'node_modules', name);
    mkdirSync(path.dirname(target), { recursive: true });
    symlinkSync(path.join(root, 'node_modules', name), target);
  }

  write(file: string, content: string): string {
    const target = path.join(this.folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
    return target;
  }

  copy(from: string, to: string): void {
    cpSync(path.join(root, from), path.join(this.folder, to), { recursive: true });
  }

  node(args: readonly string[]): string {
    return run(process.execPath, args, this.folder);
  }

  /** Compiles the files: strict, with exactOptionalPropertyTypes. @param options override these options. */
  tsc(files: readonly string[], options: object = {}, compiler: Compiler = 'typescript'): string {
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2024', types: ['node'] },
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
      ...options,
    };
    this.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
    return this.node([path.join(root, 'node_modules', compiler, 'bin/tsc'), '-p', '.']);
  }

  /** The errors of a compilation, one line each. */
  faults(
    files: readonly string[],
    options: object = {},
    compiler: Compiler = 'typescript',
  ): readonly string[] {
    try {
      this.tsc(files, options, compiler);
      return [];
    } catch (error) {
      return String(error).match(/^.*: error TS.*$/gm) ?? [];
    }
  }

  /** Runs the tests of this folder with Jest and the settings of the guide. Returns Jest's report. */
  jest(): unknown {
    for (const name of ['jest', '@swc/jest', '@swc/core']) this.link(name);
    const guide = readFileSync(path.join(this.installed, 'README.md'), 'utf8');
    const [, settings = ''] = /^```js\n(\/\/ jest[.]config[.]js\n.*?)^```$/ms.exec(guide) ?? [];
    this.write('jest.config.js', settings);
    return JSON.parse(this.node(['node_modules/jest/bin/jest.js', '--json', '--cache=false']));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
