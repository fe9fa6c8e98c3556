import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** The command line, the environment or standard input is invalid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The environment of a command: its input, its output and its stop signal. */
export interface Terminal {
  readonly env: { readonly LATCHKEY_PASSWORD?: string | undefined };
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** The user pressed Ctrl-C at a prompt. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** In bytes; longer than any accepted password. */
const MAX_SECRET_BYTES = 4096;

export function print(stream: Writable, line: string): void {
  stream.write(`${line}\n`);
}

/**
 * Reads a secret from standard input to its end, without one trailing line break.
 *
 * @param what a name for the secret in error messages.
 */
export async function readSecret(terminal: Terminal, what: string): Promise<string> {
  const given = await text(terminal.stdin);
  const secret = given.replace(/\r?\n$/, '');
  if (secret === '') throw new UsageError(`Standard input is empty; expected ${what}.`);
  if (Buffer.byteLength(secret) > MAX_SECRET_BYTES || /[\r\n]/.test(secret)) {
    throw new UsageError(`Standard input holds more than ${what}.`);
  }
  return secret;
}

/** Prompts for a secret without echo. */
export function askSecret(terminal: Terminal, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return ask(terminal, question, nowhere);
}

/** Prompts for a line. */
export function askLine(terminal: Terminal, question: string): Promise<string> {
  return ask(terminal, question, terminal.stderr);
}

/** @param echo the stream that shows the typed text. */
function ask(terminal: Terminal, question: string, echo: Writable): Promise<string> {
  const lines = createInterface({ input: terminal.stdin, output: echo, terminal: true, historySize: 0 });
  return new Promise((resolve, reject) => {
    const interrupt = (): void => reject(new Interrupted('Interrupted at a prompt.'));
    terminal.stderr.write(question);
    lines.once('line', resolve);
    // While readline owns the terminal, Ctrl-C raises no process signal. Ctrl-D closes readline.
    lines.once('SIGINT', interrupt);
    lines.once('close', () => reject(new UsageError('Nothing was entered.')));
    terminal.signal.addEventListener('abort', interrupt, { once: true });
  }).finally(() => {
    lines.close();
    print(terminal.stderr, '');
  }) as Promise<string>;
}
