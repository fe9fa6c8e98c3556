import type { VariableName } from '../config/variables.ts';
import { Failure } from '../core/failure.ts';

/** A start that failed because of what a variable says. The message is for people and begins with its name. */
export class StartFault extends Error {
  override readonly name = 'StartFault';

  /** @param told what is wrong and what to do, in sentences without secrets. */
  constructor(variable: VariableName, told: string, cause: unknown) {
    super(`${variable}: ${told}`, { cause });
  }
}

/**
 * Takes a step of the start. What it throws becomes a `StartFault` of this variable, unless it is one already.
 *
 * @param tell says it in sentences; `reason` is a driver's own words, without a full stop.
 */
export async function naming<Result>(
  variable: VariableName,
  step: () => Result | Promise<Result>,
  tell: (reason: string, error: unknown) => string,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof StartFault ? error : new StartFault(variable, tell(reasonOf(error), error), error);
  }
}

/**
 * What went wrong in the words of whoever knows: a store that did not answer says so for clients, its cause for
 * operators. Where a name has several addresses, Node packs the error of each into one without a message.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Failure && error.reason === 'STORE_UNAVAILABLE') return reasonOf(error.cause);
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors)) {
    return reasonOf(error.errors[0]);
  }
  const message = error.message.replace(/\.$/, '');
  const { cause } = error;
  const isUntold = cause instanceof Error && 'syscall' in cause && !message.includes(cause.message);
  return isUntold ? `${message}: ${cause.message}` : message;
}
