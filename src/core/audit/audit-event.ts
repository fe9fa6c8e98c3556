import { createHash } from 'node:crypto';
import { uuidOf } from '../ids.ts';
import type { Actor, EventOrigin, OpenedFacts, SecurityEvent } from './security-event.ts';

/**
 * The security events that the audit trail keeps. Refreshes are not kept: they would be most of the trail, and the
 * session record has the last one.
 */
export type AuditedEvent = Exclude<SecurityEvent, { readonly kind: 'Refreshed' | 'PasswordRehashFailed' }>;

export type AuditKind = AuditedEvent['kind'];

/** Who is responsible for an event. Empty ids: not known, or not a user. */
export interface AuditActor {
  readonly kind: Actor['kind'];
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string;
}

/** A security event in the form that is stored. Empty text: not known, or does not apply. */
export interface AuditEvent {
  /** A UUIDv7 with the time `at`, given by the producer. An event that is stored twice has the same id both times. */
  readonly eventId: string;
  /** When it happened; of several, the first one. Milliseconds since 1970. */
  readonly at: number;
  /** When the last of `count` happened. */
  readonly lastAt: number;
  /** How many like events this one stands for. */
  readonly count: number;
  /** An `AuditKind`, or a kind that a later release added. */
  readonly kind: string;
  readonly actor: AuditActor;
  readonly userId: string;
  readonly sessionId: string;
  readonly ipAddress: string;
  readonly clientId: string;
  /** An `EndReason` or a `FailureReason`. */
  readonly reason: string;
  /** Further facts, by name. */
  readonly details: Readonly<Record<string, string>>;
}

/** Converts a security event. @param eventId a UUIDv7 with the time of the event. */
export function auditEventOf(event: AuditedEvent, eventId: string): AuditEvent {
  const origin: EventOrigin = 'origin' in event ? event.origin : { ipAddress: '', clientId: '' };
  return {
    eventId,
    at: event.at,
    lastAt: event.at,
    count: 1,
    kind: event.kind,
    actor: auditActorOf(event.actor),
    userId: ('userId' in event ? event.userId : undefined) ?? '',
    sessionId: ('sessionId' in event ? event.sessionId : undefined) ?? '',
    ipAddress: origin.ipAddress,
    clientId: origin.clientId,
    reason: 'reason' in event ? event.reason : '',
    details: detailsOf(event),
  };
}

/**
 * The id of the event that a session ended. A session ends once, so a repeated call stores the same event again, also
 * from another server.
 */
export function endEventId(sessionId: string, endedAt: number): string {
  return derivedEventId('SessionEnded', sessionId, endedAt);
}

/** The id of the event that a session was opened; a repeated redemption of a QR ticket stores the same event again. */
export function signInEventId(sessionId: string, signedInAt: number): string {
  return derivedEventId('SignedIn', sessionId, signedInAt);
}

/** The id of the event that a QR ticket was approved or denied; a repeated call stores the same event again. */
export function ticketEventId(kind: AuditKind, ticketId: string, decidedAt: number): string {
  return derivedEventId(kind, ticketId, decidedAt);
}

function derivedEventId(kind: AuditKind, about: string, at: number): string {
  return uuidV7(at, createHash('sha256').update(`${kind} ${about}`).digest('hex'));
}

/** The lowest UUIDv7 of a time. Events before that time have lower ids. @param at milliseconds since 1970. */
export function firstEventId(at: number): string {
  return uuidV7(at, '0'.repeat(32));
}

/** RFC 9562, section 5.7. @param random hexadecimal digits for the random part. */
function uuidV7(at: number, random: string): string {
  const time = at.toString(16).padStart(12, '0');
  const variant = (8 + (Number.parseInt(random.charAt(3), 16) % 4)).toString(16);
  return uuidOf(`${time}7${random.slice(0, 3)}${variant}${random.slice(4)}`);
}

function detailsOf(event: AuditedEvent): AuditEvent['details'] {
  switch (event.kind) {
    case 'SessionMoved':
      return { from: event.from };
    case 'RiskAssessed':
      return { signals: event.signals, action: event.action, mode: event.mode };
    case 'TicketApproved':
    case 'TicketDenied':
      return { device: event.device };
    case 'IdentityLinked':
    case 'IdentityUnlinked':
      return { provider: event.provider, subject: event.subject };
    case 'UserChanged':
      return { change: event.change };
    case 'SigningKeyRotated':
      return { key_id: event.keyId };
    case 'SignedIn':
      return openedDetails(event.opened);
    case 'SessionEnded':
      return event.createdUntil === undefined ? {} : { created_until: timeText(event.createdUntil) };
    default:
      return {};
  }
}

/** Without what is unknown. But always with the device mark: a sign-in of an earlier release has none. */
function openedDetails(opened: OpenedFacts) {
  const { deviceName, platform, deviceMark, methods, provider, idleDeadline, absoluteDeadline } = opened;
  return {
    device_mark: deviceMark,
    methods,
    ...(provider !== '' && { provider }),
    ...(deviceName !== '' && { device_name: deviceName }),
    ...(platform !== '' && { platform }),
    idle_deadline: timeText(idleDeadline),
    absolute_deadline: timeText(absoluteDeadline),
  };
}

/** RFC 3339, so that a person can read it. */
function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** The time in a detail; undefined if there is none. Milliseconds since 1970. */
export function detailTime({ details }: AuditEvent, name: string): number | undefined {
  const at = Date.parse(details[name] ?? '');
  return Number.isNaN(at) ? undefined : at;
}

function auditActorOf(actor: Actor): AuditActor {
  if (actor.kind !== 'caller') return { kind: actor.kind, userId: '', sessionId: '', clientId: '' };
  const { kind, userId, sessionId, clientId } = actor;
  return { kind, userId, sessionId, clientId };
}
