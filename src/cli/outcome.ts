import { CommanderError } from 'commander';
import { type ConnectionFaultKind, LatchkeyError } from '../client/index.ts';
import type { GlobalOptions } from './connection.ts';
import { Interrupted, print, type Terminal, UsageError } from './terminal.ts';

/** The exit codes. */
export const EXIT = {
  ok: 0,
  /** The service refused the call, or something else failed after it was sent. */
  refused: 1,
  /** The command line, environment or input is invalid. No call was sent. */
  usage: 2,
  /** The service did not answer or is temporarily unavailable, for example because a store is down: try again later. */
  unavailable: 3,
  /** Ctrl-C or SIGTERM, at a prompt or later. Shells use the same code for Ctrl-C. */
  interrupted: 130,
} as const;

/** What to do, in terms of this command's options. For other kinds the client's remedy is shown. */
const HINTS: Partial<Record<ConnectionFaultKind, string>> = {
  TLS_REQUIRED: 'If the service uses TLS, pass --ca',
  TLS_NOT_SPOKEN: 'Check the address; for a service without TLS pass --plaintext, if the network is trusted',
  AUTHORITY_UNKNOWN: 'Find out which authority issued it, and pass its certificate as --ca',
  CERTIFICATE_REQUIRED: 'Pass a certificate that the service accepts as --cert and --key',
};

/** Prints the error to stderr and returns the exit code. */
export function report(error: unknown, options: GlobalOptions, terminal: Terminal): number {
  // Commander has already printed it. Help and version are not errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (terminal.signal.aborted || error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof UsageError) {
    print(terminal.stderr, `latchkey: ${error.message}`);
    return EXIT.usage;
  }
  if (!(error instanceof LatchkeyError)) {
    print(terminal.stderr, `latchkey: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.refused;
  }
  const lines =
    error.isUnreachable || error.connectionFault !== undefined
      ? explainNoAnswer(error, options.address)
      : explain(error);
  for (const line of lines) print(terminal.stderr, line);
  return error.isUnavailable ? EXIT.unavailable : EXIT.refused;
}

function explainNoAnswer({ details, connectionFault }: LatchkeyError, address: string): readonly string[] {
  const reason = connectionFault?.reason ?? details.replace(/[.]$/, '');
  const hint = connectionFault && (HINTS[connectionFault.kind] ?? connectionFault.remedy);
  return [`latchkey: no answer from ${address}: ${reason}`, ...(hint === undefined ? [] : [`  ${hint}`])];
}

function explain(error: LatchkeyError): readonly string[] {
  const { reason, details: message, violations, metadata, retryAfterMs } = error;
  const fields = violations.map(({ field, description }) => `${field}: ${description}`);
  return [
    `latchkey: ${reason ?? `gRPC status ${error.code}`}: ${message}`,
    // The message often already contains the violations of fields.
    ...fields.filter((line) => !message.includes(line)).map((line) => `  ${line}`),
    ...Object.entries(metadata).map(([key, value]) => `  ${key}: ${value}`),
    ...(retryAfterMs === undefined ? [] : [`  try again in ${Math.ceil(retryAfterMs / 1_000)} s`]),
  ];
}
