/** Generates ids. Injected, so that tests can predict them. */
export interface IdSource {
  /** Returns a lower-case UUIDv7 (RFC 9562, section 5.7) with the timestamp `atMs`, milliseconds since 1970. */
  next(atMs: number): string;
}

/** The lower-case text form of a UUID (RFC 9562, section 4): the form of every id of a user, a session or an event. */
export const UUID_TEXT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The lower-case text form of a UUID (RFC 9562, section 4). @param hex 32 hexadecimal digits; more are ignored. */
export function uuidOf(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
