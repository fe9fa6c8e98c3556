/**
 * Returns the page with `text` between `<!-- name:begin -->` and `<!-- name:end -->`. Throws unless it has both
 * markers, once each and in this order.
 */
export function withGeneratedPart(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...evenMore] = rest?.split(end) ?? [];
  if (after === undefined || more.length + evenMore.length > 0) {
    throw new Error(`the page needs ${begin} and, after it, ${end}, once each`);
  }
  return `${before}${begin}\n${text}\n${end}${after}`;
}
