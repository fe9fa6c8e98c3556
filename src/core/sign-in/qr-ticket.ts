import type { Device, Labels, SessionRef } from '../session/session.ts';

/** The session that scanned a ticket. Only this session may approve or deny it. */
export type Approver = SessionRef;

/** Names as in `TicketState` of `proto/latchkey/v1/qr_login.proto`. The last three are final. */
export const TICKET_STATES = ['PENDING', 'SCANNED', 'APPROVED', 'REDEEMED', 'DENIED', 'EXPIRED'] as const;
export type TicketState = (typeof TICKET_STATES)[number];

/** Why a ticket was denied: names as in `TicketDenial` of the same file. */
export const TICKET_DENIALS = ['BY_APPROVER', 'WRONG_DIGITS', 'APPROVER_SESSION_ENDED'] as const;
export type TicketDenial = (typeof TICKET_DENIALS)[number];

/** What the asker stated about itself. The new session gets it, and the approver sees it. */
export interface Asker {
  readonly clientId: string;
  readonly device: Device;
  /** Empty: unknown. */
  readonly ipAddress: string;
  /** The network of the address. Empty: unknown, or shared by many people. */
  readonly network: string;
  readonly labels: Labels;
}

/** A request of one device to be signed in by another. Times are milliseconds since 1970. */
export interface Ticket extends Asker {
  /** In the image. Random, so that nobody can scan a ticket that they have not seen. */
  readonly ticketId: string;
  /** SHA-256 of the redeem secret, which only the asker has; base64url. */
  readonly secretHash: string;
  readonly state: TicketState;
  /** Undefined unless `state` is DENIED. */
  readonly denial: TicketDenial | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Undefined until the ticket is scanned. */
  readonly approver: Approver | undefined;
  /** Made by the scan, so that nobody can know them before. Empty until then. */
  readonly digits: string;
  /** When the ticket was approved or, later or instead, denied; 0 until then. */
  readonly decidedAt: number;
  /** The security version of the approver's session when it approved; 0 until then. */
  readonly securityVersion: number;
  /** The id of the new session. Chosen once, so that a repeat cannot open a second one. Empty until redeemed. */
  readonly sessionId: string;
  /** 0 until redeemed. */
  readonly redeemedAt: number;
  /** How long the asker must wait between two polls; milliseconds. */
  readonly pollIntervalMs: number;
  /** A poll before this is too early. */
  readonly pollFrom: number;
}

export type TicketStep =
  | { readonly kind: 'scan'; readonly approver: Approver; readonly digits: string; readonly ttlMs: number }
  | {
      readonly kind: 'approve';
      readonly approver: Approver;
      readonly digits: string;
      readonly securityVersion: number;
    }
  | {
      readonly kind: 'deny';
      readonly approver: Approver;
      readonly denial: Exclude<TicketDenial, 'WRONG_DIGITS'>;
    }
  /** Also the poll of an asker. `sessionId` is the id of the new session, unless one was chosen before. */
  | { readonly kind: 'redeem'; readonly secretHash: string; readonly sessionId: string };

export type TicketOutcome =
  /** The step is made, now or by an earlier call. */
  | { readonly kind: 'done'; readonly ticket: Ticket }
  /** Not approved yet. */
  | { readonly kind: 'pending'; readonly ticket: Ticket }
  /** Not approved yet, and polled too early. The interval has grown. */
  | { readonly kind: 'too-early'; readonly ticket: Ticket }
  /** The ticket is in a final state that does not allow the step. */
  | { readonly kind: 'over'; readonly ticket: Ticket }
  /** The step belongs to the session that scanned the ticket, and this is another one. */
  | { readonly kind: 'not-approver' }
  /** Unknown or forgotten, or the secret is wrong. */
  | { readonly kind: 'missing' };

/** A ticket is remembered this long after it expires, so that everybody learns how it ended; milliseconds. */
export const TICKET_MEMORY_MS = 900_000;
/** The interval of polls at first; milliseconds. */
export const FIRST_POLL_INTERVAL_MS = 2_000;
/** An early poll makes the interval longer by this (RFC 8628, section 3.5); milliseconds. */
export const POLL_PENALTY_MS = 5_000;
export const MAX_POLL_INTERVAL_MS = 30_000;
/** A poll that is early by this much is not too early: networks and timers are not exact. Milliseconds. */
export const POLL_LEEWAY_MS = 500;

const FINAL: ReadonlySet<TicketState> = new Set(['REDEEMED', 'DENIED', 'EXPIRED']);

export function isFinal({ state }: Pick<Ticket, 'state'>): boolean {
  return FINAL.has(state);
}

/** The ticket at a time. Undefined: it is forgotten. */
export function ticketAt(ticket: Ticket | undefined, now: number): Ticket | undefined {
  if (ticket === undefined || now >= ticket.expiresAt + TICKET_MEMORY_MS) return undefined;
  return isFinal(ticket) || now < ticket.expiresAt ? ticket : { ...ticket, state: 'EXPIRED' };
}

/**
 * The rule of one step, as a pure function. The ticket of the outcome is the one to store. `ticket.lua` and the scripts
 * of the steps implement the same rule; a model-based test compares the two.
 *
 * @param stored undefined: there is no such ticket.
 */
export function decideTicketStep(stored: Ticket | undefined, step: TicketStep, now: number): TicketOutcome {
  const ticket = ticketAt(stored, now);
  if (ticket === undefined) return { kind: 'missing' };
  switch (step.kind) {
    case 'scan':
      return decideScan(ticket, step, now);
    case 'approve':
      return decideApproval(ticket, step, now);
    case 'deny':
      return decideDenial(ticket, step, now);
    case 'redeem':
      return decideRedemption(ticket, step, now);
  }
}

type StepOf<Kind extends TicketStep['kind']> = Extract<TicketStep, { readonly kind: Kind }>;

/** A scan gives the approver time to decide: the lifetime starts again, once. */
function decideScan(ticket: Ticket, { approver, digits, ttlMs }: StepOf<'scan'>, now: number): TicketOutcome {
  if (isFinal(ticket)) return { kind: 'over', ticket };
  if (ticket.state === 'PENDING') {
    const expiresAt = Math.max(ticket.expiresAt, now + ttlMs);
    return { kind: 'done', ticket: { ...ticket, state: 'SCANNED', approver, digits, expiresAt } };
  }
  return isApprover(ticket, approver) ? { kind: 'done', ticket } : { kind: 'not-approver' };
}

function decideApproval(ticket: Ticket, step: StepOf<'approve'>, decidedAt: number): TicketOutcome {
  if (isFinal(ticket)) return { kind: 'over', ticket };
  if (!isApprover(ticket, step.approver)) return { kind: 'not-approver' };
  if (step.digits !== ticket.digits) {
    return { kind: 'over', ticket: { ...ticket, state: 'DENIED', denial: 'WRONG_DIGITS', decidedAt } };
  }
  if (ticket.state === 'APPROVED') return { kind: 'done', ticket };
  const { securityVersion } = step;
  return { kind: 'done', ticket: { ...ticket, state: 'APPROVED', decidedAt, securityVersion } };
}

function decideDenial(ticket: Ticket, step: StepOf<'deny'>, decidedAt: number): TicketOutcome {
  const { approver, denial } = step;
  if (ticket.state === 'DENIED' && isApprover(ticket, approver)) return { kind: 'done', ticket };
  if (isFinal(ticket)) return { kind: 'over', ticket };
  if (!isApprover(ticket, approver)) return { kind: 'not-approver' };
  return { kind: 'done', ticket: { ...ticket, state: 'DENIED', denial, decidedAt } };
}

function decideRedemption(
  ticket: Ticket,
  { secretHash, sessionId }: StepOf<'redeem'>,
  now: number,
): TicketOutcome {
  if (ticket.secretHash !== secretHash) return { kind: 'missing' };
  switch (ticket.state) {
    case 'PENDING':
    case 'SCANNED':
      return decidePoll(ticket, now);
    case 'APPROVED':
      return { kind: 'done', ticket: { ...ticket, state: 'REDEEMED', sessionId, redeemedAt: now } };
    case 'REDEEMED':
      return { kind: 'done', ticket };
    case 'DENIED':
    case 'EXPIRED':
      return { kind: 'over', ticket };
  }
}

function decidePoll(ticket: Ticket, now: number): TicketOutcome {
  const isEarly = now < ticket.pollFrom;
  const pollIntervalMs = isEarly
    ? Math.min(ticket.pollIntervalMs + POLL_PENALTY_MS, MAX_POLL_INTERVAL_MS)
    : ticket.pollIntervalMs;
  const pollFrom = now + pollIntervalMs - POLL_LEEWAY_MS;
  return { kind: isEarly ? 'too-early' : 'pending', ticket: { ...ticket, pollIntervalMs, pollFrom } };
}

/** Whether this session scanned the ticket. */
export function isApprover({ approver }: Ticket, { userId, sessionId }: Approver): boolean {
  return approver?.userId === userId && approver.sessionId === sessionId;
}
