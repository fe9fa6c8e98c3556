import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';

/** The characters that a header can carry. */
const SENDABLE = /^[\x21-\x7e]*$/;

/** Refuses `undefined` too: an environment variable that should hold the token may be unset. */
export function checkToken(token: unknown): void {
  const isSendable = typeof token === 'string' && token !== '' && SENDABLE.test(token);
  if (typeof token === 'function' || isSendable) return;
  throw new TypeError(
    `connect: token is ${kindOf(token)}; it must be an access token or a function that returns one. Omit it for none.`,
  );
}

/** Checks what the token function returned. Throws the error of the call, for example if it is a promise. */
export function checkedAnswer(token: unknown): string | undefined {
  if (token === undefined || typeof token === 'string') return token;
  throw refused(
    `The function in the option token returned ${kindOf(token)}; it must return a string or undefined synchronously.`,
  );
}

/** Checked here because the error of grpc-js would contain the token. */
export function checkedToken(token: string): string {
  if (SENDABLE.test(token)) return token;
  throw refused('The token contains a character that a header cannot carry, such as a line break.');
}

function refused(message: string): LatchkeyError {
  return new LatchkeyError(status.INVALID_ARGUMENT, message, { isUnsent: true });
}

/** The type of a value, never its content: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === '') return 'empty';
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string')
    return 'a string with a character that a header cannot carry, such as a line break';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
