import type { Clock } from '../../validator/clock.ts';
import type { Actor } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { LoginResult } from './login-service.ts';
import { type Approver, isFinal, POLL_LEEWAY_MS, type Ticket } from './qr-ticket.ts';
import { hashOfSecret } from './random-secrets.ts';
import type { ReservedSession, ReservedSessions, SessionRequest } from './reserved-sessions.ts';
import { approverEnded, ticketNotFound, ticketOver } from './ticket-failures.ts';
import type { TicketStore } from './ticket-store.ts';

export interface TicketRedemptionOptions {
  readonly store: TicketStore;
  readonly liveSessions: Pick<LiveSessions, 'find' | 'isKnownEnded'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly reserved: Pick<ReservedSessions, 'open' | 'repeat'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
}

export interface RedeemAttempt {
  readonly ticketId: string;
  readonly redeemSecret: string;
  /** The session that the user chose to end at the session limit; empty: none. */
  readonly endSessionId: string;
}

export type Redemption =
  | LoginResult
  | { readonly kind: 'pending'; readonly ticket: Ticket; readonly retryAfterMs: number };

/** RFC 8176: more than one channel was used, here the asker's and the approver's. */
const QR_METHOD = 'mca';
const RETRY_OPENING_MS = 1_000;

/** Redeems approved tickets. The step that redeems a ticket also reserves its session, so each ticket opens one at most. */
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
    const { store, liveSessions, clock, ids } = this.#options;
    const now = clock.now();
    const secretHash = hashOfSecret(redeemSecret);
    const found = await store.read(ticketId, now);
    if (found === undefined || found.secretHash !== secretHash) throw ticketNotFound();
    if (found.state === 'APPROVED') await this.#approvingUser(found);
    if (found.state === 'SCANNED' && liveSessions.isKnownEnded(approverOf(found))) return this.#deny(found);
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

  /** The approver is checked again: an end that was acknowledged before the ticket was redeemed is seen here at the latest. */
  async #open(ticket: Ticket, endSessionId: string): Promise<LoginResult> {
    const user = await this.#approvingUser(ticket);
    try {
      return await this.#options.reserved.open(user, reservedOf(ticket), requestOf(ticket, endSessionId));
    } catch (error) {
      const isOver = error instanceof Failure && error.reason === 'INVALID_CREDENTIALS';
      throw isOver ? approverEnded() : error;
    }
  }

  /** The ticket was redeemed before: the answer was lost, or another call is opening the session now. */
  async #repeat(ticket: Ticket, endSessionId: string): Promise<Redemption> {
    const { userId } = approverOf(ticket);
    const { reserved, clock } = this.#options;
    const open = async () => {
      if (clock.now() >= ticket.expiresAt) throw ticketOver(ticket);
      return this.#open(ticket, endSessionId);
    };
    const outcome = await reserved.repeat(userId, reservedOf(ticket), requestOf(ticket, endSessionId), open);
    switch (outcome.kind) {
      case 'opening':
        return { kind: 'pending', ticket, retryAfterMs: RETRY_OPENING_MS };
      case 'over':
        throw ticketOver(ticket);
      case 'opened':
      case 'session-limit':
        return outcome;
    }
  }

  /** The user of the approver. Denies the ticket if the approver's session has ended, or all sessions of the user. */
  async #approvingUser(ticket: Ticket): Promise<User> {
    const { liveSessions, users } = this.#options;
    const approver = approverOf(ticket);
    const [session, user] = await Promise.all([liveSessions.find(approver), users.findById(approver.userId)]);
    const isCurrent = user?.disabledAt === undefined && user?.securityVersion === ticket.securityVersion;
    if (session !== undefined && user !== undefined && isCurrent) return user;
    return this.#deny(ticket);
  }

  /** Denies the ticket unless its state is final, then throws TICKET_OVER. */
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

function reservedOf(ticket: Ticket): ReservedSession {
  const { sessionId, redeemedAt: reservedAt } = ticket;
  // The application of the approver is not kept with the ticket.
  const actor: Actor = { kind: 'caller', ...approverOf(ticket), clientId: '' };
  return { sessionId, reservedAt, actor, authenticationMethods: [QR_METHOD] };
}

/** A ticket has no device token, so its device counts as unknown. */
function requestOf({ clientId, device, ipAddress, labels }: Ticket, endSessionId: string): SessionRequest {
  return { clientId, device, ipAddress, labels, deviceToken: '', endSessionId };
}

function polledTooOften(retryAfterMs: number): Failure {
  return new Failure(
    'TICKET_POLLED_TOO_OFTEN',
    'The QR ticket is not approved yet, and this poll came too early; wait as RetryInfo says.',
    {
      retryAfterMs,
    },
  );
}
