import type { Clock } from '../../validator/clock.ts';
import type { Actor, SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import type { RiskAssessor } from '../risk/risk-assessor.ts';
import type { Session } from '../session/session.ts';
import type { OpenedSession, SessionLimitReached, SessionOpener } from '../session/session-opener.ts';
import { signedIn } from '../session/session-opener.ts';
import type { ReadOutcome, SessionStore } from '../session/session-store.ts';
import type { SessionTokens } from '../session/session-tokens.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { ApproverSessions } from './approver-sessions.ts';
import type { DeviceTokens } from './device-token.ts';
import { type Approver, isFinal, POLL_LEEWAY_MS, type Ticket } from './qr-ticket.ts';
import { approverEnded, ticketNotFound, ticketOver } from './ticket-failures.ts';
import { hashOfSecret } from './ticket-secrets.ts';
import type { TicketStore } from './ticket-store.ts';

export interface TicketRedemptionOptions {
  readonly store: TicketStore;
  readonly approvers: Pick<ApproverSessions, 'living' | 'isKnownEnded'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly opener: Pick<SessionOpener, 'open'>;
  readonly tokens: Pick<SessionTokens, 'issue'>;
  readonly devices: Pick<DeviceTokens, 'tokenFor'>;
  readonly risk: Pick<RiskAssessor, 'signIn' | 'signedIn'>;
  readonly events: Pick<SecurityEvents, 'store' | 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
  /** How long a repeated redemption gets the tokens of the same session; milliseconds. */
  readonly graceMs: number;
}

export interface RedeemAttempt {
  readonly ticketId: string;
  readonly redeemSecret: string;
  /** The session that the user chose to end at the session limit; empty: none. */
  readonly endSessionId: string;
}

export type Redemption =
  | (OpenedSession & { readonly deviceToken: string })
  | SessionLimitReached
  | { readonly kind: 'pending'; readonly ticket: Ticket; readonly retryAfterMs: number };

/** RFC 8176: another channel than the one that is signed in. */
const QR_METHOD = 'mca';
/** Longer than it takes to open a session. A call that finds no session after this opens it itself; milliseconds. */
export const OPENING_MS = 5_000;
const RETRY_OPENING_MS = 1_000;

/**
 * Redeems approved tickets. The ticket gets the id of its session in one atomic step, before the session is opened, and
 * the session store creates an id only once. So however often and wherever it is redeemed, there is one session at most.
 */
export class TicketRedemption {
  readonly #options: TicketRedemptionOptions;

  constructor(options: TicketRedemptionOptions) {
    this.#options = options;
  }

  /**
   * Opens the session, or returns its tokens again, or says that the ticket is not approved yet.
   *
   * Fails with TICKET_NOT_FOUND, TICKET_OVER, TICKET_POLLED_TOO_OFTEN, SIGN_IN_RISK, END_UNCONFIRMED and
   * STORE_UNAVAILABLE.
   */
  async redeem({ ticketId, redeemSecret, endSessionId }: RedeemAttempt): Promise<Redemption> {
    const { store, approvers, clock, ids } = this.#options;
    const now = clock.now();
    const secretHash = hashOfSecret(redeemSecret);
    const found = await store.read(ticketId, now);
    if (found === undefined || found.secretHash !== secretHash) throw ticketNotFound();
    if (found.state === 'APPROVED') await this.#approvingUser(found);
    if (found.state === 'SCANNED' && approvers.isKnownEnded(approverOf(found))) return this.#deny(found);
    const sessionId = ids.next(now);
    const outcome = await store.step(ticketId, { kind: 'redeem', secretHash, sessionId }, now);
    switch (outcome.kind) {
      case 'done': {
        const isFirst = outcome.ticket.sessionId === sessionId;
        return isFirst
          ? this.#open(outcome.ticket, endSessionId)
          : this.#repeat(outcome.ticket, endSessionId);
      }
      case 'pending':
        return { kind: 'pending', ticket: outcome.ticket, retryAfterMs: outcome.ticket.pollIntervalMs };
      case 'too-early':
        throw polledTooOften(outcome.ticket.pollFrom + POLL_LEEWAY_MS - now);
      case 'over':
        throw ticketOver(outcome.ticket);
      case 'missing':
      case 'not-approver':
        throw ticketNotFound();
    }
  }

  /**
   * The approver is checked again: an end that was acknowledged before the ticket was redeemed is seen here at the
   * latest. The session id is older than any later end of all sessions, so the store refuses to create it after that.
   */
  async #open(ticket: Ticket, endSessionId: string): Promise<Redemption> {
    const { opener, devices, risk } = this.#options;
    const user = await this.#approvingUser(ticket);
    const { clientId, device, ipAddress, labels, sessionId } = ticket;
    const actor = actorOf(approverOf(ticket));
    try {
      const assessment = await risk.signIn(user, { clientId, device, ipAddress, isKnownDevice: false });
      const { isNewDevice, lifetimeMs } = assessment;
      const facts = { clientId, device, ipAddress, labels, isNewDevice, lifetimeMs };
      const signIn = { ...facts, authenticationMethods: [QR_METHOD] };
      const outcome = await opener.open(user, signIn, endSessionId, { actor, sessionId });
      if (outcome.kind !== 'opened') return outcome;
      risk.signedIn(assessment, outcome.session, actor);
      return { ...outcome, deviceToken: devices.tokenFor(user.userId, undefined) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { reason } = error;
      if (reason === 'INVALID_CREDENTIALS') throw approverEnded();
      if (reason === 'SIGN_IN_RISK') this.#reportRefused(ticket, user.userId, actor);
      throw error;
    }
  }

  #reportRefused({ ipAddress, clientId }: Ticket, userId: string, actor: Actor): void {
    const { events, clock } = this.#options;
    const origin = { ipAddress, clientId };
    events.publish({ kind: 'SignInRefused', at: clock.now(), actor, userId, reason: 'SIGN_IN_RISK', origin });
  }

  /** The ticket was redeemed before: the answer was lost, or another call is opening the session now. */
  async #repeat(ticket: Ticket, endSessionId: string): Promise<Redemption> {
    const { clock, graceMs } = this.#options;
    const now = clock.now();
    const { redeemedAt } = ticket;
    const found = await this.#opened(ticket, now);
    if (found.kind === 'missing') {
      if (now >= ticket.expiresAt) throw ticketOver(ticket);
      // Whoever names a session to end has an answer already. Otherwise another call may be opening the session now.
      const mayBeOpening = endSessionId === '' && now - redeemedAt < OPENING_MS;
      if (mayBeOpening) return { kind: 'pending', ticket, retryAfterMs: RETRY_OPENING_MS };
      return this.#openOnce(ticket, endSessionId);
    }
    if (found.kind === 'ended' || now - redeemedAt > graceMs) throw ticketOver(ticket);
    return this.#tokensAgain(ticket, found.session, now);
  }

  /** Opens the session, unless another call opens it at the same time: then returns its tokens. */
  async #openOnce(ticket: Ticket, endSessionId: string): Promise<Redemption> {
    try {
      return await this.#open(ticket, endSessionId);
    } catch (error) {
      const now = this.#options.clock.now();
      const found = await this.#opened(ticket, now);
      if (found.kind !== 'live') throw error;
      return this.#tokensAgain(ticket, found.session, now);
    }
  }

  #opened(ticket: Ticket, now: number): Promise<ReadOutcome> {
    return this.#options.sessions.read(approverOf(ticket).userId, ticket.sessionId, now);
  }

  async #tokensAgain(ticket: Ticket, session: Session, now: number): Promise<Redemption> {
    const { tokens, users, devices, events } = this.#options;
    const user = await users.findById(session.userId);
    if (user === undefined || user.disabledAt !== undefined) throw ticketOver(ticket);
    const issued = await tokens.issue(session, user.roles, now);
    // The first call may have died before it did this. The event has the same id both times.
    await events.store(signedIn(session, { actor: actorOf(approverOf(ticket)) }));
    const deviceToken = devices.tokenFor(session.userId, undefined);
    return { kind: 'opened', session, tokens: issued, replaced: [], deviceToken };
  }

  /** The user of the approver. Denies the ticket if it died with the approver's session or all sessions of the user. */
  async #approvingUser(ticket: Ticket): Promise<User> {
    const { approvers, users } = this.#options;
    const approver = approverOf(ticket);
    const [session, user] = await Promise.all([approvers.living(approver), users.findById(approver.userId)]);
    const isCurrent = user?.disabledAt === undefined && user?.securityVersion === ticket.securityVersion;
    if (session !== undefined && user !== undefined && isCurrent) return user;
    return this.#deny(ticket);
  }

  async #deny(ticket: Ticket): Promise<never> {
    const { store, clock } = this.#options;
    const step = { kind: 'deny', denial: 'APPROVER_SESSION_ENDED', approver: approverOf(ticket) } as const;
    if (!isFinal(ticket)) await store.step(ticket.ticketId, step, clock.now());
    throw approverEnded();
  }
}

/** Throws if nobody has scanned the ticket. */
function approverOf({ approver }: Ticket): Approver {
  if (approver === undefined) throw ticketNotFound();
  return approver;
}

/** The application of the approver is not kept with the ticket. */
function actorOf(approver: Approver): Actor {
  return { kind: 'caller', ...approver, clientId: '' };
}

function polledTooOften(retryAfterMs: number): Failure {
  return new Failure('TICKET_POLLED_TOO_OFTEN', 'The QR ticket is not approved yet; poll it less often.', {
    retryAfterMs,
  });
}
