import type { EndedSession, Session } from '../../core/session/session.ts';
import type { ReadOutcome, RotateOutcome } from '../../core/session/session-store.ts';
import { laterRecord, parseEnded, parseSession, UnreadableRecord } from './session-record.ts';

interface RequestedSession {
  readonly userId: string;
  readonly sessionId: string;
  readonly now: number;
}

/** Parses the reply of `read.lua`. Throws `UnreadableRecord`. */
export function parseRead(reply: unknown, { userId, sessionId, now }: RequestedSession): ReadOutcome {
  const [kind = '', answered, ...rest] = texts(reply);
  expectOwn(sessionId, answered);
  switch (kind) {
    case 'live':
      return { kind, session: parseSession(userId, sessionId, rest[0] ?? '') };
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest, now) };
    case 'missing':
      return { kind };
    default:
      throw notRead(kind);
  }
}

/** Parses the reply of `rotate.lua`. Throws `UnreadableRecord`. */
export function parseRotate(reply: unknown, { userId, sessionId, now }: RequestedSession): RotateOutcome {
  const [kind = '', answered, ...rest] = texts(reply);
  expectOwn(sessionId, answered);
  switch (kind) {
    case 'rotated':
    case 'replayed':
      return { kind, session: parseSession(userId, sessionId, rest[0] ?? '') };
    case 'reused':
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest, now) };
    case 'missing':
    case 'other-client':
    case 'user-changed':
      return { kind };
    default:
      throw notRead(kind);
  }
}

/** Parses the reply of `list.lua`. Leaves out damaged records and reports their ids. */
export function parseList(
  reply: unknown,
  userId: string,
  onDamage: (id: string) => void,
): readonly Session[] {
  return groupsOf(reply, userId, 2).flatMap(([sessionId = '', record = '']) => {
    try {
      return [parseSession(userId, sessionId, record)];
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      onDamage(sessionId);
      return [];
    }
  });
}

/** Parses the reply of `end-others.lua`: ends that are not logged. */
export function parseEnds(reply: unknown, userId: string, now: number): readonly EndedSession[] {
  return groupsOf(reply, userId, 3).map(([sessionId = '', ...ended]) => parseEnded(sessionId, ended, now));
}

/** The values after the user id, in groups of `size`. */
function groupsOf(reply: unknown, userId: string, size: number): readonly (readonly string[])[] {
  const [answered, ...values] = texts(reply);
  expectOwn(userId, answered);
  return Array.from({ length: values.length / size }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

/** After a failover, a driver can match a reply to the wrong command. The id in the reply detects that. */
export function expectOwn(id: string, answered: unknown): void {
  if (answered !== id) throw new Error('Redis replied to another command');
}

export function texts(reply: unknown): readonly string[] {
  if (!Array.isArray(reply)) throw new Error('Redis replied with something other than a list');
  return reply.map(String);
}

function notRead(kind: string): Error {
  if (kind === 'unreadable') return new UnreadableRecord('it is not a session record');
  if (kind === 'later') return laterRecord();
  return new Error(`unexpected script reply: ${kind}`);
}
