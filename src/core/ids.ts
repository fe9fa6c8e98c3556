/** Makes ids. Handed in, so that tests know which come. */
export interface IdSource {
  /** A UUIDv7 (RFC 9562, section 5.7) in lower-case text form whose time is `atMs`, milliseconds since 1970. */
  next(atMs: number): string;
}
