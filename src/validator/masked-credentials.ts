/** A header of a request as grpc-js prints it, `"name":["value"]`, if its name says that the values are secret. */
const SECRET_HEADER =
  /("[^"]*(?:authorization|cookie|token|secret|password)[^"]*":)\[(?:"(?:[^"\\]|\\.)*"|[^"\]])*\]/gi;
/** A token under any other name. */
const TOKEN = /\b(?:Bearer +[^\s"',]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|lkr_[\w-]+)/gi;
/** The value may well be a credential with one bad character. */
const BAD_METADATA = /(Failed to add metadata entry [^:]*:).*/s;

/** What grpc-js logs, without the credentials that it quotes: its traces hold the headers of every request. */
export function maskCredentials(text: string): string {
  return text
    .replace(SECRET_HEADER, '$1["[secret]"]')
    .replace(TOKEN, '[secret]')
    .replace(BAD_METADATA, '$1 the value is not printed');
}
