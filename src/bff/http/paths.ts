/** Whether the path of a URL is one of these, or below one of these. */
export function isUnder(url: string, paths: readonly string[]): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return paths.some((each) => path === each || path.startsWith(`${each}/`));
}
