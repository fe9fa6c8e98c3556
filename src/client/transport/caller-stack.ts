import { LatchkeyError } from './errors.ts';

/**
 * Adds the method and the caller's stack to the error of the given work. Each caller of shared work gets its own error.
 *
 * @param entry the function that was called. The stack is captured now, from its caller on, which takes 4 to 8
 * microseconds. Without it, the stack is that of the awaiting functions, at no cost.
 */
export function calledAs<T>(method: string, work: Promise<T>, entry?: StackEntry): Promise<T> {
  const noted: { stack?: unknown } = {};
  if (entry !== undefined) Error.captureStackTrace(noted, entry);
  return work.catch((error: unknown) => {
    if (!(error instanceof LatchkeyError)) throw error;
    const named = new LatchkeyError(error.code, error.details, { ...error, method }, error.cause);
    if (typeof noted.stack === 'string') {
      named.stack = `${named.name}: ${named.message}${noted.stack.replace(/^[^\n]*/, '')}`;
    }
    throw named;
  });
}

type StackEntry = NonNullable<Parameters<typeof Error.captureStackTrace>[1]>;
