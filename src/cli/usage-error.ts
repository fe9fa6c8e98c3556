/** The command line, the environment or standard input is invalid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
