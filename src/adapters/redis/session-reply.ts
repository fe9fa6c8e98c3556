import type { ReadOutcome, RotateOutcome } from '../../core/session/session-store.ts';
import { UnreadableRecord } from './damage.ts';
import { parseEnded, parseSession } from './session-record.ts';

interface Asked {
  readonly userId: string;
  readonly sessionId: string;
  readonly now: number;
}

/** What `read.lua` answers. Throws `UnreadableRecord`. */
export function parseRead(reply: unknown, { userId, sessionId, now }: Asked): ReadOutcome {
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

/** What `rotate.lua` answers. Throws `UnreadableRecord`. */
export function parseRotate(reply: unknown, { userId, sessionId, now }: Asked): RotateOutcome {
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

/** After a failover a driver can pair an answer with the wrong command; the id in it tells. */
export function expectOwn(sessionId: string, answered: unknown): void {
  if (answered !== sessionId) throw new Error('Redis answered for another session');
}

export function texts(reply: unknown): readonly string[] {
  if (!Array.isArray(reply)) throw new Error('Redis answered something else than a list');
  return reply.map(String);
}

/** A record of a later release is left alone: a server that can read it may be running already. */
function notRead(kind: string): Error {
  if (kind === 'unreadable') return new UnreadableRecord('it is not the record of a session');
  if (kind === 'later') return new Error('a later release wrote the record of this session');
  return new Error(`a script answered ${kind}`);
}
