import type {
  AcknowledgedEvent,
  Actor,
  SecurityEvent,
  SecurityEvents,
} from '../../src/core/audit/security-event.ts';

/** An administrator. */
export const ADMIN_ACTOR: Actor = {
  kind: 'caller',
  userId: '019b7760-0000-7000-8000-0000000000aa',
  sessionId: '019b7760-0000-7000-8000-0000000000ab',
  clientId: 'console',
};

export const NO_EVENTS: SecurityEvents = { publish: () => undefined, store: async () => undefined };

/** Records published and stored events. @param keep stores them elsewhere too. */
export class RecordedEvents implements SecurityEvents {
  readonly #keep: SecurityEvents['store'];

  constructor(keep: SecurityEvents['store'] = async () => undefined) {
    this.#keep = keep;
  }

  readonly all: SecurityEvent[] = [];
  readonly stored: AcknowledgedEvent[] = [];
  /** Makes `store` fail with this. */
  failure: Error | undefined;

  async store(event: AcknowledgedEvent): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.stored.push(event);
    await this.#keep(event);
  }

  publish(event: SecurityEvent): void {
    this.all.push(event);
  }

  of<Kind extends SecurityEvent['kind']>(kind: Kind) {
    return this.all.filter((event): event is Extract<SecurityEvent, { kind: Kind }> => event.kind === kind);
  }
}
