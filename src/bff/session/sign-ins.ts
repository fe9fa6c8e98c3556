import type { FastifyReply, FastifyRequest } from 'fastify';
import { type LatchkeyClient, LatchkeyError, type SessionSummary, type Tokens } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf, setDevice } from '../browser/device.ts';
import { Refusal } from '../http/refusal.ts';
import type { LivingSession } from './browser-sessions.ts';
import { withDeviceToken } from './device-token.ts';

/** What a person typed. */
export interface PasswordInput {
  readonly username: string;
  readonly password: string;
  /** Empty: none. */
  readonly endSessionId: string;
}

/** What became of the code of a browser. */
export type CodeOutcome =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'session-limit'; readonly sessions: readonly SessionSummary[] };

export interface Opened {
  readonly tokens: Tokens;
  readonly sessionId: string;
  readonly deviceToken: string;
}

type Redeemed = NonNullable<Awaited<ReturnType<LatchkeyClient['qrLogin']['redeemTicket']>>['outcome']>;
type RedeemedSession = Extract<Redeemed, { readonly $case: 'signedIn' }>['value'];

/** Signs browsers in and out. Each way in ends in `opened`. */
export class SignIns {
  readonly #context: BffContext;

  constructor(context: BffContext) {
    this.#context = context;
  }

  /** @throws Refusal or LatchkeyError; then the browser has the cookies that it had. */
  async byPassword(request: FastifyRequest, reply: FastifyReply, input: PasswordInput): Promise<void> {
    const { client, clientId, cookies, front } = this.#context;
    const { device, deviceToken } = deviceOf(request, cookies);
    const origin = front.ownOrigin(request);
    const signedIn = await withDeviceToken(deviceToken, (token) =>
      client.login({ ...input, clientId, device, origin, deviceToken: token }),
    );
    const { tokens, session } = signedIn;
    const opened = { tokens, sessionId: session.sessionId, deviceToken: signedIn.deviceToken };
    await this.opened(request, reply, device.deviceId, opened);
  }

  /** @throws Refusal if this browser shows no code; LatchkeyError. */
  async byCode(request: FastifyRequest, reply: FastifyReply, endSessionId: string): Promise<CodeOutcome> {
    const { client, cookies, tickets } = this.#context;
    const ticket = tickets.read(request);
    if (ticket === undefined) throw noTicket();
    const { outcome } = await client.qrLogin.redeemTicket({ ...ticket, endSessionId });
    if (outcome === undefined) throw new Error('The service sent an unknown outcome; update this program.');
    if (outcome.$case === 'pending') return { kind: 'pending' };
    if (outcome.$case === 'sessionLimit') {
      return { kind: 'session-limit', sessions: outcome.value.sessions.map(summaryOf) };
    }
    await this.opened(request, reply, deviceOf(request, cookies).device.deviceId, openedOf(outcome.value));
    return { kind: 'signed-in' };
  }

  /** Ends the session of the browser, then drops its cookies. @throws LatchkeyError; then they stay. */
  async signOut(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { browserSession: session } = request;
    if (session?.kind === 'unknown') throw session.error;
    if (session?.kind === 'living') await this.#context.client.logout({ accessToken: session.accessToken });
    this.signedOut(request, reply);
  }

  /** The session of the browser has ended at its own wish. */
  signedOut(request: FastifyRequest, reply: FastifyReply): void {
    this.#context.sessions.clearTokens(reply);
    this.#context.preSessions.renew(request, reply);
    // So that tokens which this request refreshed are not set.
    request.browserSession = { kind: 'none' };
  }

  /** Gives the browser the tokens of its new session. @throws Refusal if they are too large; then the session ends. */
  async opened(
    request: FastifyRequest,
    reply: FastifyReply,
    deviceId: string,
    { tokens, sessionId, deviceToken }: Opened,
  ): Promise<void> {
    const { client, cookies, preSessions, sessions, tickets } = this.#context;
    try {
      sessions.setTokens(reply, tokens);
    } catch (error) {
      // Nobody could use the new session.
      await client.logout({ refreshToken: tokens.refreshToken }).catch(() => undefined);
      throw error;
    }
    setDevice(reply, cookies, deviceId, deviceToken);
    preSessions.renew(request, reply);
    tickets.clear(reply);
    const { browserSession: previous } = request;
    request.browserSession = { kind: 'none' };
    if (previous?.kind === 'living' && previous.identity.sessionId !== sessionId) {
      await this.#endPrevious(request, previous);
    }
  }

  /** The browser forgets the session that it had, for example of another user. So it ends. */
  async #endPrevious(request: FastifyRequest, { accessToken }: LivingSession): Promise<void> {
    await this.#context.client.logout({ accessToken }).catch((error: unknown) => {
      request.log.warn({ err: error }, 'the previous session of a browser could not be ended');
    });
  }
}

export function noTicket(): Refusal {
  return new Refusal(404, 'not-found', 'This browser shows no code: make another one.', {
    reason: 'TICKET_NOT_FOUND',
    notice: 'ticket-unknown',
  });
}

/** The sessions of a refusal at the session limit. Undefined: it is another error. */
export function sessionLimitOf(error: unknown): readonly SessionSummary[] | undefined {
  const isLimit = error instanceof LatchkeyError && error.reason === 'SESSION_LIMIT_REACHED';
  return isLimit ? error.sessions : undefined;
}

/** The refusal at the session limit that a code reached; a password reaches it as an error. */
export function codeAtLimit(sessions: readonly SessionSummary[]): Refusal {
  const message = 'The user is at the session limit; send the id of a session to end.';
  const more = { reason: 'SESSION_LIMIT_REACHED', notice: 'session-limit', members: { sessions } } as const;
  return new Refusal(409, 'bad-request', message, more);
}

export function openedOf({ tokens, session, deviceToken }: RedeemedSession): Opened {
  const { accessTokenExpiresAt, refreshTokenExpiresAt } = tokens ?? {};
  if (!tokens || !session || !accessTokenExpiresAt || !refreshTokenExpiresAt) {
    throw new Error('The service sent an incomplete response; check its version.');
  }
  const { accessToken, refreshToken } = tokens;
  const { sessionId } = session;
  return {
    tokens: { accessToken, accessTokenExpiresAt, refreshToken, refreshTokenExpiresAt },
    sessionId,
    deviceToken,
  };
}

export function summaryOf(message: {
  readonly sessionId: string;
  readonly deviceName: string;
  readonly platform: string;
  readonly createdAt?: Date | undefined;
  readonly lastSeenAt?: Date | undefined;
}): SessionSummary {
  const { sessionId, deviceName, platform, createdAt = new Date(0), lastSeenAt = createdAt } = message;
  return { sessionId, deviceName, platform, createdAt, lastSeenAt };
}
