import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** TypeScript 7, and the oldest that the client is tested with. */
export type Compiler = 'typescript' | 'typescript-5.6';

/** Runs a program to its end; fails with what it said if it failed. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? ''}\n${stdout}${stderr}`);
  return stdout;
}

/** A project of a user's, with the client installed from its tarball and nothing else of ours. */
export class ClientProject {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'latchkey-client-'));
  /** Where the client was unpacked to. */
  readonly installed = path.join(this.folder, 'node_modules/latchkey-client');

  constructor() {
    const built = path.join(this.folder, 'built');
    run(process.execPath, [path.join(root, 'scripts/build-client.ts'), built], root);
    const [tarball = ''] = globSync('*.tgz', { cwd: built });
    mkdirSync(this.installed, { recursive: true });
    const unpack = ['-xzf', path.join(built, tarball), '-C', this.installed, '--strip-components=1'];
    run('tar', unpack, this.folder);
    rmSync(built, { recursive: true });
    // What npm would fetch; their own needs are found beside them.
    for (const name of ['@bufbuild/protobuf', '@grpc/grpc-js', 'jose', '@types/node']) this.link(name);
  }

  /** Installs a package of this repository's. */
  link(name: string): void {
    const target = path.join(this.folder, 'node_modules', name);
    mkdirSync(path.dirname(target), { recursive: true });
    symlinkSync(path.join(root, 'node_modules', name), target);
  }

  write(file: string, content: string): string {
    const target = path.join(this.folder, file);
    writeFileSync(target, content);
    return target;
  }

  copy(from: string, to: string): void {
    cpSync(path.join(root, from), path.join(this.folder, to), { recursive: true });
  }

  node(args: readonly string[]): string {
    return run(process.execPath, args, this.folder);
  }

  /** Compiles what its `tsconfig.json` names. */
  tsc(compiler: Compiler = 'typescript'): string {
    return this.node([path.join(root, 'node_modules', compiler, 'bin/tsc'), '-p', '.']);
  }

  /** What a compiler finds wrong, a line each. */
  faults(compiler: Compiler): readonly string[] {
    try {
      this.tsc(compiler);
      return [];
    } catch (error) {
      return String(error).match(/^.*: error TS.*$/gm) ?? [];
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
