import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { renderUnicodeCompact } from 'uqr';
import { type LatchkeyClient, LatchkeyError } from '../client/index.ts';
import { sent } from './action.ts';
import { connectWith, thisDevice } from './admin-session.ts';
import type { GlobalOptions } from './connection.ts';
import { print, type Terminal, UsageError } from './terminal.ts';

interface QrOptions extends GlobalOptions {
  readonly clientId: string;
  readonly endSession?: string;
}

type Ticket = Awaited<ReturnType<LatchkeyClient['qrLogin']['createTicket']>>;
type Outcome = Awaited<ReturnType<LatchkeyClient['qrLogin']['redeemTicket']>>['outcome'];

/** Width of the border, in modules. Without it, cameras do not find the code. */
const BORDER = 2;
/** White on black, whatever the colours of the terminal are. */
const COLOURED = ['\u001b[97;40m', '\u001b[0m'] as const;
/** Shortest wait after an error; milliseconds. */
const RETRY_MS = 1_000;
/** This machine's clock may be ahead of that of the service; milliseconds. */
const CLOCK_LEEWAY_MS = 30_000;

export function addQrCommand(program: Command, terminal: Terminal): void {
  program
    .command('qr')
    .description('sign this terminal in by a QR code that a signed-in phone scans; prints the access token')
    .option('--client-id <id>', 'the application that signs in', 'latchkey-cli')
    .option('--end-session <id>', 'session to end if the user is at the session limit')
    .action((_options: unknown, command: Command) => signIn(command.optsWithGlobals<QrOptions>(), terminal))
    .addHelpText(
      'after',
      `
Only the token goes to standard output, so it can be used at once:
  export LATCHKEY_TOKEN="$(latchkey qr)"
With --json it prints all tokens and the session.`,
    );
}

async function signIn(options: QrOptions, terminal: Terminal): Promise<void> {
  const client = connectWith(options, () => undefined);
  try {
    const { signal } = terminal;
    const request = { clientId: options.clientId, device: thisDevice() };
    const ticket = await client.qrLogin.createTicket(request, { signal });
    showCode(ticket, terminal);
    const outcome = await redeem(client, ticket, options, terminal);
    if (outcome.$case === 'sessionLimit') throw atLimit(outcome.value.sessions);
    const { tokens, session } = outcome.value;
    const { accessToken } = sent(tokens);
    print(terminal.stderr, 'Signed in.');
    print(terminal.stdout, options.json ? JSON.stringify({ tokens, session }, null, 2) : accessToken);
  } finally {
    await client.close();
  }
}

function showCode({ url }: Ticket, { stderr }: Terminal): void {
  const [on, off] = 'isTTY' in stderr && stderr.isTTY ? COLOURED : ['', ''];
  for (const line of renderUnicodeCompact(url, { border: BORDER }).split('\n'))
    print(stderr, on + line + off);
  print(stderr, `Scan this code with a phone that is signed in, or open ${url} there.`);
}

/** Polls until the ticket is redeemed. An unavailable service is asked again while the ticket may live. */
async function redeem(
  client: LatchkeyClient,
  ticket: Ticket,
  { endSession: endSessionId = '' }: QrOptions,
  terminal: Terminal,
): Promise<Exclude<NonNullable<Outcome>, { readonly $case: 'pending' }>> {
  const { signal } = terminal;
  const { ticketId, redeemSecret } = ticket;
  let { expiresAt } = ticket;
  let shown = '';
  for (;;) {
    let waitMs: number;
    try {
      const request = { ticketId, redeemSecret, endSessionId };
      const outcome = sent((await client.qrLogin.redeemTicket(request, { signal })).outcome);
      if (outcome.$case !== 'pending') return outcome;
      const { digits } = outcome.value;
      if (digits !== '' && digits !== shown) {
        print(terminal.stderr, `Type ${digits} on the phone, if it shows this device.`);
        shown = digits;
      }
      expiresAt = outcome.value.expiresAt;
      waitMs = sent(outcome.value.retryAfter).seconds * 1_000;
    } catch (error) {
      waitMs = retryAfter(error, expiresAt);
    }
    await wait(waitMs, undefined, { signal });
  }
}

/** How long to wait after an error; milliseconds. Throws if a repeat does not help. */
function retryAfter(error: unknown, expiresAt: Date | undefined): number {
  const isTransient =
    error instanceof LatchkeyError && (error.isUnavailable || error.reason === 'TICKET_POLLED_TOO_OFTEN');
  if (!isTransient || Date.now() > sent(expiresAt).getTime() + CLOCK_LEEWAY_MS) throw error;
  return Math.max(RETRY_MS, error.retryAfterMs ?? 0);
}

function atLimit(sessions: readonly { readonly sessionId: string; readonly deviceName: string }[]): Error {
  const list = sessions.map(({ sessionId, deviceName }) => `${sessionId} ${deviceName}`).join('\n  ');
  return new UsageError(
    `The user is at the session limit. Run the command again with --end-session and one of these:\n  ${list}`,
  );
}
