import { hostname, platform } from 'node:os';
import { connect, type LatchkeyClient, LatchkeyError } from '../client/index.ts';
import { credentialsOf, type GlobalOptions } from './connection.ts';
import { askSecret, print, readSecret, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** A password check may wait for others in the service's queue. */
const TIMEOUT_MS = 15_000;

/** What the service is shown: an access token, or the password of who signs in. */
export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly password: string };

/** @param stdinIsTaken whether standard input holds something else than the password of who signs in. */
export async function credentialOf(
  options: GlobalOptions,
  terminal: Terminal,
  stdinIsTaken: boolean,
): Promise<Credential> {
  if (options.token) return { kind: 'token', token: options.token };
  return { kind: 'password', password: await passwordOf(options, terminal, stdinIsTaken) };
}

/**
 * Signs in, does the work, and signs out again, also after a failure or Ctrl-C. With a token nobody signs in
 * or out.
 */
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
    token = tokens?.accessToken;
    try {
      return await work(client);
    } finally {
      await signOut(client, terminal, tokens?.refreshToken ?? '');
    }
  } finally {
    await client.close();
  }
}

function connectWith(options: GlobalOptions, token: () => string | undefined): LatchkeyClient {
  const credentials = credentialsOf(options);
  try {
    return connect(options.address, { credentials, token, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    // The client names its own options; those of the command have the same names.
    const message = (error as Error).message.replace(/^connect: /, '').replaceAll('credentials.', '--');
    throw new UsageError(message, { cause: error });
  }
}

/** LATCHKEY_PASSWORD, or what is typed, or standard input. */
async function passwordOf(
  options: GlobalOptions,
  terminal: Terminal,
  stdinIsTaken: boolean,
): Promise<string> {
  const fromEnvironment = terminal.env.LATCHKEY_PASSWORD;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  if (stdinIsTaken) {
    throw new UsageError(
      'Standard input holds what is to be set: sign in by LATCHKEY_PASSWORD or LATCHKEY_TOKEN.',
    );
  }
  if (terminal.stdin.isTTY !== true) {
    return readSecret(terminal, `the password of ${options.username} (unless LATCHKEY_PASSWORD holds it)`);
  }
  return askSecret(terminal, `Password of ${options.username}: `);
}

function thisDevice() {
  return { deviceId: '', name: `latchkey on ${hostname()}`.slice(0, 64), platform: platform() };
}

/** The session would end by itself; that it did not end now is worth a word, not a failure. */
async function signOut(client: LatchkeyClient, terminal: Terminal, refreshToken: string): Promise<void> {
  try {
    await client.identity.logout({ token: { $case: 'refreshToken', value: refreshToken } });
  } catch (error) {
    const reason = error instanceof LatchkeyError ? error.details : String(error);
    print(terminal.stderr, `latchkey: the session of this command could not be ended: ${reason}`);
  }
}
