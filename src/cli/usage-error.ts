/** The command line, the environment or the standard input is not as it must be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
