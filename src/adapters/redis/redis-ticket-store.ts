import {
  MAX_POLL_INTERVAL_MS,
  POLL_LEEWAY_MS,
  POLL_PENALTY_MS,
  TICKET_MEMORY_MS,
  type Ticket,
  type TicketOutcome,
  type TicketStep,
  ticketAt,
} from '../../core/sign-in/qr-ticket.ts';
import type { TicketListener, TicketStore } from '../../core/sign-in/ticket-store.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { RedisClient } from './connection.ts';
import { TICKET_CHANGES_KEY, ticketKey } from './keys.ts';
import { RedisTicketChanges } from './redis-ticket-changes.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { expectOwn, texts } from './session-reply.ts';
import { fieldsOf } from './stored-values.ts';
import { formatTicket, parseTicket } from './ticket-record.ts';

export interface RedisTicketStoreOptions {
  readonly commands: RedisClient;
  /** Connection for the changes. Its commands block, so no other component may use it. */
  readonly changes: RedisClient;
  /** Time limit of each operation; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const create = new Script('create-hash', []);
const STEPS: Readonly<Record<TicketStep['kind'], Script>> = {
  scan: new Script('scan-ticket', ['ticket']),
  approve: new Script('approve-ticket', ['ticket']),
  deny: new Script('deny-ticket', ['ticket']),
  redeem: new Script('redeem-ticket', ['ticket']),
};

/** Entries that the stream of changes keeps: more than a process that is slow for a second misses. */
const KEPT_CHANGES = 10_000;

/** Stores QR tickets in Redis: a hash for each, and one stream that tells all processes which of them have changed. */
export class RedisTicketStore implements TicketStore {
  readonly #options: RedisTicketStoreOptions;
  readonly #runner: ScriptRunner;
  readonly #changes: RedisTicketChanges;

  constructor(options: RedisTicketStoreOptions) {
    this.#options = options;
    const { commands: client, changes, deadlineMs, clock } = options;
    this.#runner = new ScriptRunner({ client, deadlineMs, clock });
    this.#changes = new RedisTicketChanges(changes, deadlineMs);
  }

  create(ticket: Ticket): Promise<void> {
    const { ticketId, createdAt, expiresAt } = ticket;
    const args = [expiresAt + TICKET_MEMORY_MS - createdAt, ...Object.entries(formatTicket(ticket)).flat()];
    return this.#inTime(async () => {
      await this.#runner.run(create, [ticketKey(ticketId)], args);
    });
  }

  step(ticketId: string, step: TicketStep, now: number): Promise<TicketOutcome> {
    return this.#inTime(async () => {
      const args = [ticketId, now, ...argumentsOf(step)];
      const reply = texts(await this.#runner.run(STEPS[step.kind], [ticketKey(ticketId)], args));
      const [kind = '', answered, hasChanged, ...fields] = reply;
      expectOwn(ticketId, answered);
      if (hasChanged === '1') this.#announce(ticketId);
      return outcomeOf(kind as TicketOutcome['kind'], ticketId, fields);
    });
  }

  read(ticketId: string, now: number): Promise<Ticket | undefined> {
    return this.#inTime(async () => {
      const fields = await this.#options.commands.hgetall(ticketKey(ticketId));
      return ticketAt(parseTicket(ticketId, fields), now);
    });
  }

  follow(listener: TicketListener): void {
    this.#changes.follow(listener);
  }

  close(): Promise<void> {
    return this.#changes.close();
  }

  /** In the background. In a cluster the stream is on another node, so it is not a part of the step. */
  #announce(ticketId: string): void {
    const { commands } = this.#options;
    commands
      .xadd(TICKET_CHANGES_KEY, 'MAXLEN', '~', KEPT_CHANGES, '*', 'ticket', ticketId)
      .catch(() => undefined);
  }

  #inTime<T>(operation: () => Promise<T>): Promise<T> {
    return answerInTime('sessions', this.#options.deadlineMs, operation);
  }
}

/** In the order of the step's script. */
function argumentsOf(step: TicketStep): readonly (string | number)[] {
  switch (step.kind) {
    case 'scan':
      return [step.approver.userId, step.approver.sessionId, step.digits, step.ttlMs];
    case 'approve':
      return [step.approver.userId, step.approver.sessionId, step.digits, step.securityVersion];
    case 'deny':
      return [step.approver.userId, step.approver.sessionId, step.denial];
    case 'redeem': {
      const { secretHash, sessionId } = step;
      return [secretHash, sessionId, POLL_PENALTY_MS, MAX_POLL_INTERVAL_MS, POLL_LEEWAY_MS];
    }
  }
}

function outcomeOf(kind: TicketOutcome['kind'], ticketId: string, list: readonly string[]): TicketOutcome {
  if (kind === 'missing' || kind === 'not-approver') return { kind };
  const ticket = parseTicket(ticketId, fieldsOf(list));
  return ticket === undefined ? { kind: 'missing' } : { kind, ticket };
}
