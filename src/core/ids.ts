/** Generates ids. Injected, so that tests can predict them. */
export interface IdSource {
  /** Returns a lower-case UUIDv7 (RFC 9562, section 5.7) with the timestamp `atMs`, milliseconds since 1970. */
  next(atMs: number): string;
}
