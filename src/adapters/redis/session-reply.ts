import type { ReadOutcome, RotateOutcome } from '../../core/session/session-store.ts';
import { packId } from './packed-id.ts';
import { parseEnded, parseSession, type StoredSession } from './session-record.ts';

interface Asked {
  readonly userId: string;
  readonly sessionId: string;
}

/** What `read.lua` answers. */
export function parseRead(reply: unknown, { userId, sessionId }: Asked): ReadOutcome {
  const [kind, answered, ...rest] = list(reply);
  expectOwn(packId(sessionId), answered);
  switch (kind) {
    case 'live':
      return { kind, session: parseSession(userId, sessionId, stored(rest)) };
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest.map(String)) };
    case 'missing':
      return { kind };
    default:
      throw new Error(`read.lua answered ${String(kind)}`);
  }
}

/** What `rotate.lua` answers. */
export function parseRotate(reply: unknown, { userId, sessionId }: Asked): RotateOutcome {
  const [kind, answered, ...rest] = list(reply);
  expectOwn(packId(sessionId), answered);
  switch (kind) {
    case 'rotated':
    case 'replayed':
      return { kind, session: parseSession(userId, sessionId, stored(rest)) };
    case 'reused':
    case 'ended':
      return { kind, ended: parseEnded(sessionId, rest.map(String)) };
    case 'missing':
    case 'user-changed':
      return { kind };
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
  return { record: String(record), pieces: texts(pieces) };
}
