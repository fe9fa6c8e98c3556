import type { ReadOutcome, RotateOutcome } from '../../core/session/session-store.ts';
import { parseEnded, parseSession, UnreadableRecord } from './session-record.ts';

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

/** After a failover, a driver can match a reply to the wrong command. The session id in the reply detects that. */
export function expectOwn(sessionId: string, answered: unknown): void {
  if (answered !== sessionId) throw new Error('Redis replied for another session');
}

export function texts(reply: unknown): readonly string[] {
  if (!Array.isArray(reply)) throw new Error('Redis replied with something other than a list');
  return reply.map(String);
}

/** A record of a later release is not damaged: a server that can read it may already be running. */
function notRead(kind: string): Error {
  if (kind === 'unreadable') return new UnreadableRecord('it is not a session record');
  if (kind === 'later') return new Error('the session record was written by a later release');
  return new Error(`unexpected script reply: ${kind}`);
}
