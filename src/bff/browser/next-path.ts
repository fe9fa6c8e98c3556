const HOME = '/devices';
/** Paths that a person can be sent to after the sign-in. Anything else, such as another site, is not. */
const ALLOWED = [
  /^\/devices$/,
  /^\/password$/,
  /^\/providers$/,
  /^\/sessions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  /^\/qr\/[\w-]{22}$/,
];

/** The path itself if it is allowed, otherwise the home page. */
export function nextPath(given: unknown): string {
  return typeof given === 'string' && ALLOWED.some((path) => path.test(given)) ? given : HOME;
}

/** The path of the sign-in page, which sends the browser to `next` afterwards. */
export function signInPath(next: string): string {
  return `/sign-in?next=${encodeURIComponent(next)}`;
}
