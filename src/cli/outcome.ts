import { CommanderError } from 'commander';
import { type ConnectionFaultKind, LatchkeyError } from '../client/index.ts';
import type { GlobalOptions } from './connection.ts';
import { Interrupted, print, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** How a run ends, for scripts. */
export const EXIT = {
  ok: 0,
  /** The service refused, or something else went wrong after it was asked. */
  refused: 1,
  /** The command line, environment or input is not as it must be; nothing was asked of the service. */
  usage: 2,
  /** Nobody answered, or the service cannot do it just now (a store is down, it stops): try again later. */
  unavailable: 3,
  /** Ctrl-C, at a prompt or later, or SIGTERM; as shells count Ctrl-C. */
  interrupted: 130,
} as const;

/** What to do, in terms of this command's options; otherwise the client's remedy is shown. */
const HINTS: Partial<Record<ConnectionFaultKind, string>> = {
  TLS_REQUIRED: 'If the service wants TLS, give --ca',
  TLS_NOT_SPOKEN: 'Check the address; for a service without TLS --plaintext, if nobody can listen on the way',
  AUTHORITY_UNKNOWN: 'Find out which authority issued it, and give its certificate as --ca',
  CERTIFICATE_REQUIRED: 'Give a certificate that the service accepts as --cert and --key',
};

/** Says on stderr what went wrong, and answers with the exit code. */
export function report(error: unknown, options: GlobalOptions, terminal: Terminal): number {
  // Commander has said it already; help and version are no errors.
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
      ? explainSilence(error, options.address)
      : explain(error);
  for (const line of lines) print(terminal.stderr, line);
  return error.isUnavailable ? EXIT.unavailable : EXIT.refused;
}

function explainSilence({ details, connectionFault }: LatchkeyError, address: string): readonly string[] {
  const reason = connectionFault?.reason ?? details.replace(/[.]$/, '');
  const hint = connectionFault && (HINTS[connectionFault.kind] ?? connectionFault.remedy);
  return [`latchkey: no answer from ${address}: ${reason}`, ...(hint === undefined ? [] : [`  ${hint}`])];
}

function explain(error: LatchkeyError): readonly string[] {
  const { reason, details: message, violations, metadata, retryAfterMs } = error;
  const fields = violations.map(({ field, description }) => `${field}: ${description}`);
  return [
    `latchkey: ${reason ?? `gRPC status ${error.code}`}: ${message}`,
    // What is wrong with fields is most often the message itself.
    ...fields.filter((line) => !message.includes(line)).map((line) => `  ${line}`),
    ...Object.entries(metadata).map(([key, value]) => `  ${key}: ${value}`),
    ...(retryAfterMs === undefined ? [] : [`  try again in ${Math.ceil(retryAfterMs / 1_000)} s`]),
  ];
}
