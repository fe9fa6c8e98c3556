import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AuditOutbox, OutboxEntry } from '../../src/core/audit/audit-outbox.ts';
import { failureOf } from '../support/failing.ts';
import { anAuditEvent } from '../support/memory-audit.ts';

interface OpenedOutbox {
  readonly outbox: AuditOutbox;
  readonly close: () => void;
}

/** The law of `AuditOutbox`, for one that is read. @param open answers an empty one with room for so many events. */
export function auditOutboxLaw(name: string, open: (maxBacklog: number) => Promise<OpenedOutbox>): void {
  describe(`the audit outbox (${name})`, () => {
    let opened: OpenedOutbox;
    let outbox: AuditOutbox;

    beforeEach(async () => {
      opened = await open(5);
      outbox = opened.outbox;
    });

    afterEach(() => opened.close());

    const eventsOf = (entries: readonly OutboxEntry[]) => entries.map(({ event }) => event);

    test('has what was appended, oldest first and to the letter, until it is removed', async () => {
      const events = [
        anAuditEvent(1, { details: { change: 'DISABLED' }, clientId: '"\u00e4\\' }),
        anAuditEvent(2, { count: 7, lastAt: Date.UTC(2026, 0, 2), kind: 'SomethingLater' }),
        anAuditEvent(3, { actor: { kind: 'service', userId: '', sessionId: '', clientId: '' } }),
      ];
      await outbox.appendConfirmed(events[0] ?? anAuditEvent(1));
      await outbox.appendIfRoom(events.slice(1));
      const first = await outbox.read(2);
      expect(first.backlog).toBe(3);
      expect(eventsOf(first.entries)).toEqual(events.slice(0, 2));
      expect(await outbox.read(2)).toEqual(first);
      await outbox.remove(first.entries);
      await outbox.remove(first.entries);
      const second = await outbox.read(2);
      expect(second.backlog).toBe(1);
      expect(eventsOf(second.entries)).toEqual(events.slice(2));
      await outbox.remove(second.entries);
      expect(await outbox.read(2)).toEqual({ entries: [], backlog: 0 });
    });

    test('takes all events of an append or none, refuses sign-ins when it is full, and takes ends', async () => {
      const full = { reason: 'STORE_UNAVAILABLE', metadata: { store: 'audit' } };
      await outbox.appendIfRoom([1, 2, 3].map((n) => anAuditEvent(n)));
      expect(await failureOf(outbox.appendIfRoom([4, 5, 6].map((n) => anAuditEvent(n))))).toMatchObject(full);
      await outbox.checkRoom();
      await outbox.appendIfRoom([anAuditEvent(7), anAuditEvent(8)]);
      expect(await failureOf(outbox.checkRoom())).toMatchObject(full);
      expect(await failureOf(outbox.appendIfRoom([anAuditEvent(9)]))).toMatchObject(full);
      await outbox.appendConfirmed(anAuditEvent(10));
      const { entries, backlog } = await outbox.read(100);
      expect(backlog).toBe(6);
      await outbox.remove(entries);
      await outbox.checkRoom();
      await outbox.appendIfRoom([anAuditEvent(11)]);
    });
  });
}
