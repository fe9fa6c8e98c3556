import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const LOCK = 'package-lock.json';
const from = (file: string): string => path.join(import.meta.dirname, file);
/** A hidden folder, so that the checks of the project skip it. */
const installed = (file: string): string => path.join(import.meta.dirname, '.installed', file);
/** Written last, so it exists only after a complete installation. Imports in it resolve to the installed modules. */
const loader = installed('load.mjs');

/**
 * Installs the packages of this folder's package-lock.json, unless they are installed. The service does not need them,
 * so `npm ci` of the project does not install them.
 */
export function installPeers(): void {
  if (existsSync(loader) && readFileSync(installed(LOCK)).equals(readFileSync(from(LOCK)))) return;
  console.error('installing what latchkey is compared with');
  mkdirSync(installed(''), { recursive: true });
  for (const file of ['package.json', LOCK]) copyFileSync(from(file), installed(file));
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['ci', ...quietly], { cwd: installed(''), stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(loader, 'export const load = (name) => import(name);\n');
}

/** Imports an installed module. The caller states the type that it needs, because TypeScript cannot find the module. */
export async function peerModule<Shape>(name: string): Promise<Shape> {
  const { load } = (await import(pathToFileURL(loader).href)) as {
    load: (name: string) => Promise<unknown>;
  };
  return (await load(name)) as Shape;
}
