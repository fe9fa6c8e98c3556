import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const LOCK = 'package-lock.json';
const from = (file: string): string => path.join(import.meta.dirname, file);
/** A hidden folder: the checks of the project do not look into it. */
const installed = (file: string): string => path.join(import.meta.dirname, '.installed', file);
/** Written last. Imports from there, where the modules are found. */
const loader = installed('load.mjs');

/**
 * Installs what package-lock.json of this folder names, unless it is there. Nothing of it belongs to the service,
 * so `npm ci` of the project does not bring it.
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

/** A module that was installed. The caller says what it needs of it: the checks of the project see no types there. */
export async function peerModule<Shape>(name: string): Promise<Shape> {
  const { load } = (await import(pathToFileURL(loader).href)) as {
    load: (name: string) => Promise<unknown>;
  };
  return (await load(name)) as Shape;
}
