import { LatchkeyError } from './errors.ts';

/**
 * The same work. What it fails with names the method and shows the stack of who called, not that of the transport;
 * each caller of shared work gets an error of its own.
 *
 * @param entry the function that was called: the stack is noted now, from its caller on, which takes 4 to 8
 * microseconds. Without it the stack is that of those who await the result, which takes nothing.
 */
export async function calledAs<T>(method: string, work: Promise<T>, entry?: Noted): Promise<T> {
  const noted: { stack?: unknown } = {};
  if (entry !== undefined) Error.captureStackTrace(noted, entry);
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    const named = new LatchkeyError(error.code, error.details, { ...error, method }, error.cause);
    if (typeof noted.stack === 'string') {
      named.stack = `${named.name}: ${named.message}${noted.stack.replace(/^[^\n]*/, '')}`;
    }
    throw named;
  }
}

type Noted = NonNullable<Parameters<typeof Error.captureStackTrace>[1]>;
