import type { Language } from '../views.ts';

const SOMEWHERE = 'http://local.invalid';

/** The path itself if it stays on this server, otherwise `/`. For links: browsers take `//host` and `/\host` for others. */
export function localPath(path: string): string {
  const url = parse(path);
  return url === undefined ? '/' : url.pathname + url.search;
}

/** The same page in another language. */
export function pathInLanguage(path: string, language: Language): string {
  const url = parse(path) ?? new URL(SOMEWHERE);
  url.searchParams.set('lang', language);
  return url.pathname + url.search;
}

function parse(path: string): URL | undefined {
  const url = path.startsWith('/') && URL.canParse(path, SOMEWHERE) ? new URL(path, SOMEWHERE) : undefined;
  return url?.origin === SOMEWHERE && !url.pathname.startsWith('//') ? url : undefined;
}
