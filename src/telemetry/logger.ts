import { type DestinationStream, pino, stdTimeFunctions } from 'pino';

/** Fields of a log line: strings, numbers, booleans, and an error as `err`. Other values are omitted. */
export interface LogFields {
  readonly err?: unknown;
  readonly [name: string]: unknown;
}

/** Writes one JSON object per line. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Longer chains of causes are cut. */
const MAX_CAUSES = 5;
/** Field names whose values are never logged. */
const SECRET_NAME = /password|secret|token|credential|authorization|cookie|master_?key|private_?key/i;

/** Maximum backlog for standard output; bytes. Further lines are dropped. */
const MAX_BACKLOG = 1_048_576;

/**
 * Creates the log of the process. Writing never blocks. The backlog is written when the process ends.
 *
 * To keep secrets out, it logs only strings, numbers and booleans of the fields. Of an error it logs only name,
 * message, code, reason, stack and causes. So a failed command that a driver attaches to its error is never logged.
 *
 * @param destination default: standard output.
 * @param base fields of every line. Default: none.
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

/** Standard output. A failure (closed pipe, full disk) does not end or block the process. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MAX_BACKLOG });
  const flush = output.flushSync.bind(output);
  // A failed write is retried with the next line. A flush at process exit would retry it forever.
  output.on('error', () => {
    output.flushSync = () => undefined;
  });
  output.on('write', () => {
    output.flushSync = flush;
  });
  return output;
}

/** Passes `err` through, because its serializer runs after this. */
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
      return '[omitted]';
  }
}

/** Describes an error by the properties that contain no user data. */
function describeError(error: unknown, causesLeft: number): unknown {
  if (error === undefined || causesLeft < 0) return undefined;
  if (!isErrorLike(error)) return textOf(error) ?? `a thrown value of type ${typeof error}`;
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

/** Redis quotes the arguments of an unknown command. For AUTH that is the password. */
function withoutArguments(text: string): string {
  return text.replace(/(with args beginning)[\s\S]*/, '$1 … (not logged)');
}
