import type { ReadOutcome, RotateOutcome } from '../../core/session/session-store.ts';
import { UnreadableRecord } from './damage.ts';
import { packId } from './packed-id.ts';
import { parseEnded, parseSession, type StoredSession } from './session-record.ts';

interface Asked {
  readonly userId: string;
  readonly sessionId: string;
  readonly now: number;
}

/** What `read.lua` answers. Throws `UnreadableRecord`. */
export function parseRead(reply: unknown, { userId, sessionId, now }: Asked): ReadOutcome {
  const [kind, answered, ...rest] = list(reply);
  expectOwn(packId(sessionId), answered);
  switch (kind) {
    case 'live':
      return { kind, session: parseSession(userId, sessionId, stored(rest)) };
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest.map(String), now) };
    case 'missing':
      return { kind };
    case 'unreadable':
      throw new UnreadableRecord('this is no record of a session');
    default:
      throw new Error(`read.lua answered ${String(kind)}`);
  }
}

/** What `rotate.lua` answers. Throws `UnreadableRecord`. */
export function parseRotate(reply: unknown, { userId, sessionId, now }: Asked): RotateOutcome {
  const [kind, answered, ...rest] = list(reply);
  expectOwn(packId(sessionId), answered);
  switch (kind) {
    case 'rotated':
    case 'replayed':
      return { kind, session: parseSession(userId, sessionId, stored(rest)) };
    case 'reused':
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest.map(String), now) };
    case 'missing':
    case 'user-changed':
      return { kind };
    case 'unreadable':
      throw new UnreadableRecord('this is no record of a session');
    default:
      throw new Error(`rotate.lua answered ${String(kind)}`);
  }
}

/** After a failover a driver can pair an answer with the wrong command; the id in it tells. */
export function expectOwn(sid: string, answered: unknown): void {
  if (answered !== sid) throw new Error('Redis answered for another session');
}

export function texts(reply: unknown): readonly string[] {
  return list(reply).map(String);
}

function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('Redis answered something else than a list');
  return reply;
}

function stored([record, pieces]: readonly unknown[]): StoredSession {
  const all = list(pieces);
  if (all.includes(null)) throw new UnreadableRecord('a piece of the record of a session is missing');
  return { record: String(record), pieces: all.map(String) };
}
