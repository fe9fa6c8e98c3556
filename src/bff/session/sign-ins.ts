// Signs browsers in and out. Every sign-in ends in `acceptSession`.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type LatchkeyClient, LatchkeyError, type SessionSummary, type Tokens } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf, setDevice } from '../browser/device.ts';
import { Refusal } from '../refusal.ts';
import type { LivingSession } from './browser-sessions.ts';
import { withDeviceToken } from './device-token.ts';

/** A sign-in by password. */
export interface PasswordInput {
  readonly username: string;
  readonly password: string;
  /** A session to end at the session limit. Empty: none. */
  readonly endSessionId: string;
}

/** What became of the ticket of a browser. */
export type TicketOutcome =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'session-limit'; readonly sessions: readonly SessionSummary[] };

/** A session that was opened for the browser. */
export interface Opened {
  readonly tokens: Tokens;
  readonly sessionId: string;
  readonly deviceToken: string;
}

type Redeemed = NonNullable<Awaited<ReturnType<LatchkeyClient['qrLogin']['redeemTicket']>>['outcome']>;
type RedeemedSession = Extract<Redeemed, { readonly $case: 'signedIn' }>['value'];

/** Signs in by password. @throws Refusal or LatchkeyError; then the cookies stay as they are. */
export async function signInByPassword(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  input: PasswordInput,
): Promise<void> {
  const { client, clientId, cookies, front } = context;
  const { device, deviceToken } = deviceOf(request, cookies);
  const origin = front.ownOrigin(request);
  const signedIn = await withDeviceToken(deviceToken, (token) =>
    client.login({ ...input, clientId, device, origin, deviceToken: token }),
  );
  const { tokens, session } = signedIn;
  const opened = { tokens, sessionId: session.sessionId, deviceToken: signedIn.deviceToken };
  await acceptSession(context, request, reply, device.deviceId, opened);
}

/** Redeems the ticket that this browser shows. @throws Refusal if there is none; LatchkeyError. */
export async function signInByTicket(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  endSessionId: string,
): Promise<TicketOutcome> {
  const { client, cookies, tickets } = context;
  const ticket = tickets.read(request);
  if (ticket === undefined) throw noTicket();
  const { outcome } = await client.qrLogin.redeemTicket({ ...ticket, endSessionId });
  if (outcome === undefined) throw new Error('The service sent an unknown outcome; update this program.');
  if (outcome.$case === 'pending') return { kind: 'pending' };
  if (outcome.$case === 'sessionLimit') {
    return { kind: 'session-limit', sessions: outcome.value.sessions.map(summaryOf) };
  }
  await acceptSession(
    context,
    request,
    reply,
    deviceOf(request, cookies).device.deviceId,
    openedOf(outcome.value),
  );
  return { kind: 'signed-in' };
}

/** Ends the session of the browser, then drops its cookies. @throws LatchkeyError; then they stay. */
export async function signOut(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { browserSession: session } = request;
  if (session?.kind === 'unknown') throw session.error;
  if (session?.kind === 'living') await context.client.logout({ accessToken: session.accessToken });
  forgetSession(context, request, reply);
}

/** Clears the tokens of the browser, whose session has ended. */
export function forgetSession(context: BffContext, request: FastifyRequest, reply: FastifyReply): void {
  context.sessions.clearTokens(reply);
  context.preSessions.renew(request, reply);
  // Otherwise the guard would set the tokens that this request refreshed.
  request.browserSession = { kind: 'none' };
}

/** Gives the browser the tokens of its new session. @throws Refusal if they are too large; then the session ends. */
export async function acceptSession(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  deviceId: string,
  { tokens, sessionId, deviceToken }: Opened,
): Promise<void> {
  const { client, cookies, preSessions, sessions, tickets } = context;
  try {
    sessions.setTokens(reply, tokens);
  } catch (error) {
    // The browser cannot use the new session, so it ends.
    await client.logout({ refreshToken: tokens.refreshToken }).catch(() => undefined);
    throw error;
  }
  setDevice(reply, cookies, deviceId, deviceToken);
  preSessions.renew(request, reply);
  tickets.clear(reply);
  const { browserSession: previous } = request;
  request.browserSession = { kind: 'none' };
  if (previous?.kind === 'living' && previous.identity.sessionId !== sessionId) {
    await endPrevious(context, request, previous);
  }
}

/** Ends the session that the browser had before, for example of another user: its tokens have been replaced. */
async function endPrevious(
  context: BffContext,
  request: FastifyRequest,
  { accessToken }: LivingSession,
): Promise<void> {
  await context.client.logout({ accessToken }).catch((error: unknown) => {
    request.log.warn(
      { err: error },
      'the previous session of a browser could not be ended; it ends at its deadline',
    );
  });
}

/** This browser shows no ticket. */
export function noTicket(): Refusal {
  return new Refusal(404, 'not-found', 'This browser shows no code; make a new one.', {
    reason: 'TICKET_NOT_FOUND',
    notice: 'ticket-unknown',
  });
}

/** The sessions of which one must end, if the error is the session limit. Undefined: it is another error. */
export function sessionLimitOf(error: unknown): readonly SessionSummary[] | undefined {
  const isLimit = error instanceof LatchkeyError && error.reason === 'SESSION_LIMIT_REACHED';
  return isLimit ? error.sessions : undefined;
}

/** The refusal at the session limit of a sign-in by ticket. A sign-in by password fails with an error of the service. */
export function ticketAtLimit(sessions: readonly SessionSummary[]): Refusal {
  const message = 'The user is at the session limit; send the id of a session to end.';
  const more = { reason: 'SESSION_LIMIT_REACHED', notice: 'session-limit', members: { sessions } } as const;
  return new Refusal(409, 'bad-request', message, more);
}

/** @throws Error if a member is missing. */
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
