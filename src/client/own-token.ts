import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';

/** What a header can hold of a token. */
const SENDABLE = /^[\x21-\x7e]*$/;

/** `undefined` is refused too: what was to hold the token, for example a variable of the environment, is not set. */
export function checkToken(token: unknown): void {
  const isSendable = typeof token === 'string' && token !== '' && SENDABLE.test(token);
  if (typeof token === 'function' || isSendable) return;
  throw new TypeError(
    `connect: token is ${kindOf(token)}, and must be an access token, or a function that answers with one. Leave it out for none.`,
  );
}

/** The token that a function answered with. Throws what the call fails with, for example for a promise. */
export function checkedAnswer(token: unknown): string | undefined {
  if (token === undefined || typeof token === 'string') return token;
  throw refused(
    `The function in the option token answered with ${kindOf(token)}; it must answer with a string or undefined, at once.`,
  );
}

/** The library's own error would show the token. */
export function checkedToken(token: string): string {
  if (SENDABLE.test(token)) return token;
  throw refused('The token holds a character that no header can hold, such as a line break.');
}

function refused(message: string): LatchkeyError {
  return new LatchkeyError(status.INVALID_ARGUMENT, message, { isUnsent: true });
}

/** What it is, without what it holds: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === '') return 'empty';
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string')
    return 'a text with a character that no header can hold, such as a line break';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
