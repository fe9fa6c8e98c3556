import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import type { FollowerListener } from '../revocation/follower-listener.ts';
import type { LoggedRevocation } from '../revocation/revocation-log.ts';
import { Rereads } from '../session/rereads.ts';
import type { LiveSessions } from './live-sessions.ts';
import { isFinal, TICKET_STATES, type Ticket } from './qr-ticket.ts';
import { ticketNotFound } from './ticket-failures.ts';
import type { TicketListener, TicketStore } from './ticket-store.ts';

/** Receives the states of one ticket. */
export interface TicketSink {
  /** Nothing follows a final state. A ticket has few states, so the sink may be slow. */
  send(ticket: Ticket): void;
  /** Nothing follows. */
  fail(failure: Failure): void;
}

export interface TicketWatchersOptions {
  readonly store: Pick<TicketStore, 'read' | 'step'>;
  readonly liveSessions: Pick<LiveSessions, 'isKnownEnded'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Default: TICKET_WATCH_LIMITS. */
  readonly limits?: TicketWatchLimits;
}

/** Maximum open watchers. */
export interface TicketWatchLimits {
  readonly ticket: number;
  /** Of this process. */
  readonly server: number;
}

/** More than one for a ticket, because a lost stream is detected late. */
export const TICKET_WATCH_LIMITS: TicketWatchLimits = { ticket: 5, server: 20_000 };

/** How often a ticket is read again if nothing is heard of it, because a change may be missed; milliseconds. */
const REREAD_MS = 30_000;
const RETRY_AFTER_MS = 10_000;

/**
 * Tells watchers when their ticket changes. A ticket changes by a step, by expiry, or when the session of its approver
 * ends.
 *
 * A watcher is registered before its ticket is read. So a change in between is seen by one of the two.
 */
export class TicketWatchers implements TicketListener, FollowerListener {
  readonly #options: TicketWatchersOptions;
  readonly #limits: TicketWatchLimits;
  readonly #byTicket = new Map<string, Set<TicketWatcher>>();
  /** Those of scanned tickets, by the approver's user. */
  readonly #byApprover = new Map<string, Set<TicketWatcher>>();
  readonly #rereads = new Rereads<TicketWatcher>();
  #size = 0;

  constructor(options: TicketWatchersOptions) {
    this.#options = options;
    this.#limits = options.limits ?? TICKET_WATCH_LIMITS;
  }

  /** How many watchers are open. */
  get size(): number {
    return this.#size;
  }

  /** Registers a watcher. It sends nothing before its `read` was called. Fails with TOO_MANY_WATCHES. */
  watch(ticketId: string, secretHash: string, sink: TicketSink): TicketWatcher {
    const own = this.#byTicket.get(ticketId) ?? new Set();
    if (own.size >= this.#limits.ticket) throw tooManyWatches('ticket');
    if (this.#size >= this.#limits.server) throw tooManyWatches('server');
    const watcher: TicketWatcher = new TicketWatcher(ticketId, secretHash, sink, {
      clock: this.#options.clock,
      read: () => this.#read(ticketId),
      readSoon: () => this.#rereads.add(watcher),
      scanned: (userId) => addTo(this.#byApprover, userId, watcher),
      forget: (userId) => this.#forget(watcher, userId),
    });
    this.#byTicket.set(ticketId, own.add(watcher));
    this.#size += 1;
    return watcher;
  }

  changed(ticketId: string): void {
    for (const watcher of this.#byTicket.get(ticketId) ?? []) this.#rereads.add(watcher);
  }

  missed(): void {
    for (const own of this.#byTicket.values()) for (const watcher of own) this.#rereads.add(watcher);
  }

  /** Reads the tickets of these users again: `#read` denies one whose approver's session has ended. */
  learned(entries: readonly LoggedRevocation[]): void {
    for (const { revocation } of entries) {
      for (const watcher of this.#byApprover.get(revocation.userId) ?? []) this.#rereads.add(watcher);
    }
  }

  confirmed(): void {}

  readFailed(): void {}

  restarted(): void {}

  /** Denies the ticket if the session of its approver has ended. */
  async #read(ticketId: string): Promise<Ticket | undefined> {
    const { store, liveSessions, clock } = this.#options;
    const ticket = await store.read(ticketId, clock.now());
    const approver = ticket?.approver;
    if (ticket === undefined || approver === undefined || isFinal(ticket)) return ticket;
    if (!liveSessions.isKnownEnded(approver)) return ticket;
    const denial = 'APPROVER_SESSION_ENDED';
    const outcome = await store.step(ticketId, { kind: 'deny', approver, denial }, clock.now());
    return 'ticket' in outcome ? outcome.ticket : undefined;
  }

  #forget(watcher: TicketWatcher, approverUserId: string | undefined): void {
    if (!deleteFrom(this.#byTicket, watcher.ticketId, watcher)) return;
    if (approverUserId !== undefined) deleteFrom(this.#byApprover, approverUserId, watcher);
    this.#rereads.delete(watcher);
    this.#size -= 1;
  }
}

/** What a watcher reads from. */
interface WatcherSource {
  readonly clock: Pick<Clock, 'now'>;
  read(): Promise<Ticket | undefined>;
  /** Calls the watcher's `read` soon, again until it succeeds. */
  readSoon(): void;
  scanned(approverUserId: string): void;
  forget(approverUserId: string | undefined): void;
}

/** One watcher of one ticket. It has a single timer, for the end of the ticket's time or the next read. */
export class TicketWatcher {
  readonly ticketId: string;
  readonly #secretHash: string;
  readonly #sink: TicketSink;
  readonly #source: WatcherSource;
  /** The index of the state sent last in TICKET_STATES. It never decreases. */
  #sent = -1;
  #approverUserId: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(ticketId: string, secretHash: string, sink: TicketSink, source: WatcherSource) {
    this.ticketId = ticketId;
    this.#secretHash = secretHash;
    this.#sink = sink;
    this.#source = source;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reads the ticket and sends its state if it is new. Fails with STORE_UNAVAILABLE, and changes nothing then. */
  async read(): Promise<void> {
    const ticket = await this.#source.read();
    if (this.#isClosed) return;
    if (ticket === undefined || ticket.secretHash !== this.#secretHash) {
      this.close();
      this.#sink.fail(ticketNotFound());
      return;
    }
    // Two reads at the same time may end in the other order.
    const progress = TICKET_STATES.indexOf(ticket.state);
    const isNew = progress > this.#sent;
    this.#sent = Math.max(progress, this.#sent);
    if (isFinal(ticket)) this.close();
    else this.#follow(ticket);
    if (isNew) this.#sink.send(ticket);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#source.forget(this.#approverUserId);
  }

  #follow({ approver, expiresAt }: Ticket): void {
    if (approver !== undefined && this.#approverUserId === undefined) {
      this.#approverUserId = approver.userId;
      this.#source.scanned(approver.userId);
    }
    clearTimeout(this.#timer);
    const waitMs = Math.max(1, Math.min(expiresAt - this.#source.clock.now(), REREAD_MS));
    this.#timer = setTimeout(() => this.#source.readSoon(), waitMs).unref();
  }
}

function addTo<Member>(sets: Map<string, Set<Member>>, key: string, member: Member): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(member));
}

/** Whether the member was there. */
function deleteFrom<Member>(sets: Map<string, Set<Member>>, key: string, member: Member): boolean {
  const set = sets.get(key);
  const wasThere = set?.delete(member) === true;
  if (set?.size === 0) sets.delete(key);
  return wasThere;
}

function tooManyWatches(limit: keyof TicketWatchLimits): Failure {
  return new Failure(
    'TOO_MANY_WATCHES',
    `Too many streams of WatchTicket are open for this ${limit}; close some or try again later.`,
    {
      metadata: { limit },
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
}
