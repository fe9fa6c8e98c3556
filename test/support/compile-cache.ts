/** Environment of test processes: Node keeps what it compiled, so the next process starts in half the time. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: new URL('../../node_modules/.cache/latchkey-sources', import.meta.url).pathname,
} as const;
