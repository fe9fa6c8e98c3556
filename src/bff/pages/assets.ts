import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Asset } from '../views.ts';

/** The hash is in the path, so a changed file has another path and a browser may keep what it has. */
const HASH_LENGTH = 10;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const style = load('style.css');
const logo = load('logo.svg');
const times = load('times.js');
const signIn = load('sign-in.js');
const session = load('session.js');

/** Style sheet, image and scripts, to be served under their paths. */
export const ASSETS: readonly Asset[] = [style, logo, times, signIn, session];

/** Where pages find them. */
export const ASSET_PATHS = {
  style: style.path,
  logo: logo.path,
  times: times.path,
  signIn: signIn.path,
  session: session.path,
} as const;

export type ScriptName = 'times' | 'signIn' | 'session';

function load(file: string): Asset {
  const body = readFileSync(path.join(import.meta.dirname, 'assets', file), 'utf8');
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, HASH_LENGTH);
  const { name, ext } = path.parse(file);
  return { path: `/assets/${name}.${hash}${ext}`, contentType: CONTENT_TYPES[ext] ?? '', body };
}
