import type { VariableName } from '../config/variables.ts';
import { Failure } from '../core/failure.ts';

/** A start that failed because of a variable. The message is for people and begins with the variable's name. */
export class StartupError extends Error {
  override readonly name = 'StartupError';

  /** @param problem sentences that state the problem and the remedy, without secrets. */
  constructor(variable: VariableName, problem: string, cause: unknown) {
    super(`${variable}: ${problem}`, { cause });
  }
}

/**
 * Runs a step of the start. Turns its error into a `StartupError` for this variable, unless it already is one.
 *
 * @param describe makes the message in sentences. `reason` is the driver's message without a full stop.
 */
export async function startupStep<Result>(
  variable: VariableName,
  step: () => Result | Promise<Result>,
  describe: (reason: string, error: unknown) => string,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof StartupError
      ? error
      : new StartupError(variable, describe(reasonOf(error), error), error);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The message that helps an operator. STORE_UNAVAILABLE has a message for clients; its cause states the reason. If a
 * host name has several addresses, Node wraps their errors in one error without a message.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Failure && error.reason === 'STORE_UNAVAILABLE') return reasonOf(error.cause);
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors)) {
    return reasonOf(error.errors[0]);
  }
  const message = error.message.replace(/\.$/, '');
  const { cause } = error;
  const hasMoreDetail = cause instanceof Error && 'syscall' in cause && !message.includes(cause.message);
  return hasMoreDetail ? `${message}: ${cause.message}` : message;
}
