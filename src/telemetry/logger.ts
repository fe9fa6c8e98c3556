import { type DestinationStream, pino, stdTimeFunctions } from 'pino';

/** What is said beside the message: text, numbers, booleans, and an error as `err`. Anything else is left out. */
export interface LogFields {
  readonly err?: unknown;
  readonly [name: string]: unknown;
}

/** One JSON object a line. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Chains of causes longer than that are cut. */
const MAX_CAUSES = 5;
/** Names under which nothing is ever logged, not even by mistake. */
const SECRET_NAME = /password|secret|token|credential|authorization|cookie|master_?key|private_?key/i;

/** How much may wait to be written to standard output; bytes. Lines beyond that are dropped. */
const MAX_BACKLOG = 1_048_576;

/**
 * The log of the process. Writing never blocks; the backlog is written when the process ends.
 *
 * Secrets are kept out by what can get in: of the fields only text, numbers and booleans, of an error only its
 * name, message, code, reason and stack. Drivers hang the command that failed on their errors, with its
 * arguments; that never passes.
 *
 * @param destination default: standard output.
 * @param base in every line. Default: nothing.
 */
export function createLogger(
  level: LogLevel,
  destination: DestinationStream = standardOutput(),
  base?: Readonly<Record<string, number>>,
): Logger {
  const options = {
    level,
    base: base === undefined ? null : { ...base },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: admitted },
    serializers: { err: (error: unknown) => describeError(error, MAX_CAUSES) },
  };
  return pino(options, destination);
}

/** Standard output whose failure (a closed pipe, a full disk) does not end or block the process. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MAX_BACKLOG });
  const flush = output.flushSync.bind(output);
  // A failed write is repeated with the next line. A flush at the end of the process would repeat it for ever.
  output.on('error', () => {
    output.flushSync = () => undefined;
  });
  output.on('write', () => {
    output.flushSync = flush;
  });
  return output;
}

/** Errors pass here: their serializer comes after it. */
function admitted(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, name === 'err' ? value : single(name, value)]),
  );
}

function single(name: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (SECRET_NAME.test(name)) return '[secret]';
  switch (typeof value) {
    case 'string':
      return withoutArguments(value);
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    default:
      return '[left out]';
  }
}

/** An error by what is known to hold no data of others. */
function describeError(error: unknown, causesLeft: number): unknown {
  if (error === undefined || causesLeft < 0) return undefined;
  if (!isErrorLike(error)) return textOf(error) ?? `a thrown ${typeof error}`;
  const { name, message, code, reason, stack, cause } = error;
  return {
    type: textOf(name),
    message: textOf(message),
    code: typeof code === 'number' ? code : textOf(code),
    reason: textOf(reason),
    stack: textOf(stack),
    cause: describeError(cause, causesLeft - 1),
  };
}

interface ErrorLike {
  readonly name?: unknown;
  readonly message: unknown;
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly stack?: unknown;
  readonly cause?: unknown;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'message' in value;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? withoutArguments(value) : undefined;
}

/** Redis repeats the arguments of a command it does not know, which for AUTH is the password. */
function withoutArguments(text: string): string {
  return text.replace(/(with args beginning)[\s\S]*/, '$1 … (not printed)');
}
