import type { AuditEvent } from '../../core/audit/audit-event.ts';
import type { Actor } from '../../core/audit/security-event.ts';
import { UUID_TEXT } from '../../core/ids.ts';
import { LATEST_MS } from './stored-values.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The text of an event in the outbox. Later releases may add members. */
export function formatAuditEvent({ eventId: _, ...event }: AuditEvent): string {
  return JSON.stringify(event);
}

/** Undefined if the entry is damaged. @param fields the field names and values of a stream entry: `id` and `event`. */
export function parseAuditEvent(fields: readonly string[]): AuditEvent | undefined {
  const [, eventId = '', , text = ''] = fields;
  const event = objectOf(text);
  const actor = event?.['actor'];
  const details = event?.['details'];
  if (!UUID_TEXT.test(eventId) || event === undefined || !isObject(actor) || !isObject(details))
    return undefined;
  const [at, lastAt, count] = ['at', 'lastAt', 'count'].map((name) => wholeOf(event[name]));
  if (at === undefined || lastAt === undefined || count === undefined || count === 0) return undefined;
  return {
    eventId,
    at,
    lastAt,
    count,
    kind: textOf(event['kind']),
    actor: {
      kind: textOf(actor['kind']) as Actor['kind'],
      userId: textOf(actor['userId']),
      sessionId: textOf(actor['sessionId']),
      clientId: textOf(actor['clientId']),
    },
    userId: textOf(event['userId']),
    sessionId: textOf(event['sessionId']),
    ipAddress: textOf(event['ipAddress']),
    clientId: textOf(event['clientId']),
    reason: textOf(event['reason']),
    details: Object.fromEntries(Object.entries(details).map(([name, value]) => [name, textOf(value)])),
  };
}

function objectOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function wholeOf(value: unknown): number | undefined {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LATEST_MS
    ? Number(value)
    : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
