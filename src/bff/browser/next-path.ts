const HOME = '/devices';
/** Paths that a person can be sent to after the sign-in, so that nobody is sent to another site. */
const ALLOWED = [
  /^\/devices$/,
  /^\/password$/,
  /^\/providers$/,
  /^\/sessions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  /^\/qr\/[\w-]{22}$/,
];

/** The path itself if it is allowed, otherwise `/devices`. */
export function nextPath(given: unknown): string {
  return typeof given === 'string' && ALLOWED.some((path) => path.test(given)) ? given : HOME;
}

/** The path of the sign-in page, which sends the browser to `next` afterwards. */
export function signInPath(next: string): string {
  return `/sign-in?next=${encodeURIComponent(next)}`;
}
