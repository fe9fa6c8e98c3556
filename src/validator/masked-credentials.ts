/** A header name in a grpc-js trace, `"name":["value"]`, up to its values. */
const HEADER = /"([^"]{1,200})":\[/g;
const SECRET_NAME = /authorization|cookie|token|secret|password/i;
/** Text that could contain a token. No match starts inside another, so the search takes linear time. */
const PIECE = /[\w.~+/=-]+/g;
const BEARER_CREDENTIAL = /Bearer {1,8}[^\s"',]+/gi;
/** grpc-js quotes the value, which may be a credential with one invalid character. */
const BAD_METADATA = /^([^\n]{0,200}Failed to add metadata entry [^:\s]{1,200}:)/;
/** Longer texts are cut first, because callers control their length. */
const MAX_LENGTH = 16_384;
const SECRET = '[secret]';

/**
 * Removes credentials from a grpc-js log text. Its traces contain the headers of every request.
 * Takes linear time, because any caller can make grpc-js log a header.
 */
export function maskCredentials(logged: string): string {
  const refused = BAD_METADATA.exec(logged)?.[1];
  if (refused !== undefined) return `${refused} the value is not printed`;
  const text = logged.length > MAX_LENGTH ? `${logged.slice(0, MAX_LENGTH)}…` : logged;
  return withoutSecretHeaders(text).replace(BEARER_CREDENTIAL, SECRET).replace(PIECE, maskedPiece);
}

function withoutSecretHeaders(text: string): string {
  let masked = '';
  let done = 0;
  for (const { 0: head, 1: name = '', index } of text.matchAll(HEADER)) {
    if (index < done || !SECRET_NAME.test(name)) continue;
    const valuesAt = index + head.length;
    masked += `${text.slice(done, valuesAt)}"${SECRET}"`;
    done = endOfValues(text, valuesAt);
  }
  return masked + text.slice(done);
}

/** The index of the `]` that closes the list of JSON strings at `from`. */
function endOfValues(text: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '\\') at += 1;
    else if (letter === '"') isQuoted = !isQuoted;
    else if (letter === ']' && !isQuoted) return at;
  }
  return text.length;
}

/** A JWT starts with `eyJ`, a refresh token with `lkr_`. Other characters may precede them. */
function maskedPiece(piece: string): string {
  return /eyJ|lkr_/.test(piece) ? SECRET : piece;
}
