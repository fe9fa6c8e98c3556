/** The TypeScript blocks of a Markdown text. */
export function codeOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

const IMPORT = /^import (\{.*\}) from ('.*');$/gm;

/**
 * The statements, which may await and import (one line each), as a function `main`.
 *
 * @param dynamically imports at run time, as CommonJS must before TypeScript 5.8.
 */
export function programOf(statements: string, dynamically: boolean): string {
  const imports = dynamically ? [] : statements.match(IMPORT);
  const body = statements.replace(IMPORT, dynamically ? 'const $1 = await import($2);' : '');
  return [...(imports ?? []), 'async function main() {', body, '}\n'].join('\n');
}
