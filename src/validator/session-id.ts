/** In lower case, as every user and session id is. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The creation time of the id, milliseconds since 1970: its first 48 bits (RFC 9562, section 5.7).
 * It is compared with the cut-off of a user. Undefined if the id is not a UUIDv7.
 */
export function createdAtOf(id: string): number | undefined {
  return UUID_V7.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}
