import { CommanderError } from 'commander';
import { LatchkeyError } from '../client/index.ts';
import { print, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** How a run ends, for scripts. */
export const EXIT = {
  ok: 0,
  /** The service refused, or something else went wrong after it was asked. */
  refused: 1,
  /** The command line, environment or input is not as it must be; nothing was asked of the service. */
  usage: 2,
  /** Nobody answered. */
  unreachable: 3,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

/** Says on stderr what went wrong, and answers with the exit code. */
export function report(error: unknown, address: string, terminal: Terminal): number {
  // Commander has said it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (terminal.signal.aborted) return EXIT.interrupted;
  if (error instanceof UsageError) {
    print(terminal.stderr, `latchkey: ${error.message}`);
    return EXIT.usage;
  }
  if (!(error instanceof LatchkeyError)) {
    print(terminal.stderr, `latchkey: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.refused;
  }
  if (error.isUnreachable) {
    print(terminal.stderr, `latchkey: no answer from ${address}: ${error.message}`);
    return EXIT.unreachable;
  }
  for (const line of explain(error)) print(terminal.stderr, line);
  return EXIT.refused;
}

function explain(error: LatchkeyError): readonly string[] {
  const { reason, message, violations, metadata, retryAfterMs } = error;
  return [
    `latchkey: ${reason ?? `gRPC status ${error.code}`}: ${message}`,
    ...violations.map(({ field, description }) => `  ${field}: ${description}`),
    ...Object.entries(metadata).map(([key, value]) => `  ${key}: ${value}`),
    ...(retryAfterMs === undefined ? [] : [`  try again in ${Math.ceil(retryAfterMs / 1_000)} s`]),
  ];
}
