import { hostname, platform } from 'node:os';
import { connect, type LatchkeyClient, LatchkeyError } from '../client/index.ts';
import { credentialsOf, type GlobalOptions } from './connection.ts';
import { askSecret, print, readSecret, type Terminal, UsageError } from './terminal.ts';

/** Milliseconds. Long, because a password check may wait in the service's queue. */
const TIMEOUT_MS = 15_000;

/** An access token, or the password of the user who signs in. */
export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly password: string };

/** @param stdinIsTaken whether standard input holds other input than the password for the sign-in. */
export async function credentialOf(
  options: GlobalOptions,
  terminal: Terminal,
  stdinIsTaken: boolean,
): Promise<Credential> {
  if (options.token) return { kind: 'token', token: options.token };
  return { kind: 'password', password: await passwordOf(options, terminal, stdinIsTaken) };
}

/** Signs in, does the work, and signs out, even after a failure or Ctrl-C. With a token it does not sign in or out. */
export async function asAdmin<T>(
  options: GlobalOptions,
  credential: Credential,
  terminal: Terminal,
  work: (client: LatchkeyClient) => Promise<T>,
): Promise<T> {
  let token = credential.kind === 'token' ? credential.token : undefined;
  const client = connectWith(options, () => token);
  try {
    if (credential.kind === 'token') return await work(client);
    const { tokens } = await client.login(
      {
        username: options.username,
        password: credential.password,
        clientId: 'latchkey-cli',
        device: thisDevice(),
      },
      { signal: terminal.signal },
    );
    token = tokens.accessToken;
    try {
      return await work(client);
    } finally {
      await signOut(client, terminal, tokens.refreshToken);
    }
  } finally {
    await client.close();
  }
}

/** @param token called at each call. */
export function connectWith(options: GlobalOptions, token: () => string | undefined): LatchkeyClient {
  const credentials = credentialsOf(options);
  try {
    return connect(options.address, { credentials, token, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    // Translates the client's option names to command options, which have the same names.
    const message = (error as Error).message.replace(/^connect: /, '').replaceAll('credentials.', '--');
    throw new UsageError(message, { cause: error });
  }
}

/** The password from LATCHKEY_PASSWORD, a prompt or standard input. */
async function passwordOf(
  options: GlobalOptions,
  terminal: Terminal,
  stdinIsTaken: boolean,
): Promise<string> {
  const fromEnvironment = terminal.env.LATCHKEY_PASSWORD;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  if (stdinIsTaken) {
    throw new UsageError(
      'Standard input holds the new password or hash: sign in with LATCHKEY_PASSWORD or LATCHKEY_TOKEN.',
    );
  }
  if (terminal.stdin.isTTY !== true) {
    return readSecret(terminal, `the password of ${options.username} (or set LATCHKEY_PASSWORD)`);
  }
  return askSecret(terminal, `Password of ${options.username}: `);
}

/** The device of this command, as the list of sessions shows it. */
export function thisDevice() {
  return { deviceId: '', name: `latchkey on ${hostname()}`.slice(0, 64), platform: platform() };
}

/** A failure is only reported: the session expires on its own. */
async function signOut(client: LatchkeyClient, terminal: Terminal, refreshToken: string): Promise<void> {
  try {
    await client.logout({ refreshToken });
  } catch (error) {
    const reason = error instanceof LatchkeyError ? error.details : String(error);
    print(terminal.stderr, `latchkey: could not end the session of this command: ${reason}`);
  }
}
