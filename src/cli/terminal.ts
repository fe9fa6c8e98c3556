import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { UsageError } from './usage-error.ts';

/** Where a command is run: what it may read, where it writes, and when it is told to stop. */
export interface Terminal {
  readonly env: { readonly LATCHKEY_PASSWORD?: string | undefined };
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** The person gave up, with Ctrl-C at a prompt. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Longer than any password that is accepted, in bytes. */
const MAX_SECRET_BYTES = 4096;

export function print(stream: Writable, line: string): void {
  stream.write(`${line}\n`);
}

/**
 * A secret from standard input to its end; one line break at the end is not part of it.
 *
 * @param what is expected there, for people.
 */
export async function readSecret(terminal: Terminal, what: string): Promise<string> {
  const given = await text(terminal.stdin);
  const secret = given.replace(/\r?\n$/, '');
  if (secret === '') throw new UsageError(`Standard input is empty, where ${what} was expected.`);
  if (Buffer.byteLength(secret) > MAX_SECRET_BYTES || /[\r\n]/.test(secret)) {
    throw new UsageError(`Standard input holds more than ${what}.`);
  }
  return secret;
}

/** A secret that a person types; nothing of it is shown. */
export function askSecret(terminal: Terminal, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return ask(terminal, question, nowhere);
}

/** A line that a person types. */
export function askLine(terminal: Terminal, question: string): Promise<string> {
  return ask(terminal, question, terminal.stderr);
}

/** @param echo where what is typed is shown. */
function ask(terminal: Terminal, question: string, echo: Writable): Promise<string> {
  const lines = createInterface({ input: terminal.stdin, output: echo, terminal: true, historySize: 0 });
  return new Promise((resolve, reject) => {
    const interrupt = (): void => reject(new Interrupted('Interrupted at a prompt.'));
    terminal.stderr.write(question);
    lines.once('line', resolve);
    // Ctrl-C does not become a signal while readline has the terminal; Ctrl-D closes it.
    lines.once('SIGINT', interrupt);
    lines.once('close', () => reject(new UsageError('Nothing was entered.')));
    terminal.signal.addEventListener('abort', interrupt, { once: true });
  }).finally(() => {
    lines.close();
    print(terminal.stderr, '');
  }) as Promise<string>;
}
