import { decideAtLimit } from '../../core/session/device-policy.ts';
import {
  bySignIn,
  type EndedSession,
  type Session,
  type SessionSummary,
  summaryOf,
} from '../../core/session/session.ts';
import type {
  CreateOutcome,
  CreateSession,
  ReadOutcome,
  RotateOutcome,
  UserCutoff,
} from '../../core/session/session-store.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import { laterRecord, parseEnded, parseSession, UnreadableRecord } from './session-record.ts';
import type { OnDamage } from './stored-values.ts';

interface RequestedSession {
  readonly userId: string;
  readonly sessionId: string;
  readonly now: number;
}

/** Parses the reply of `create.lua`. @param onDamage called for each record in a refusal that cannot be parsed. */
export function parseCreate(
  reply: unknown,
  request: CreateSession,
  onDamage: OnDamage | undefined,
): CreateOutcome {
  const [kind, answered, ...rest] = listIn(reply);
  expectOwn(request.session.sessionId, answered);
  switch (kind) {
    case 'created': {
      const replaced = listIn(rest[0]).map((pair) => {
        const [other = '', endedAt = ''] = texts(pair);
        return parseEnded(other, ['REPLACED', endedAt], request.now);
      });
      return { kind, replaced: replaced.toSorted(bySignIn) };
    }
    case 'full':
      return outcomeAtLimit(rest, request, onDamage);
    case 'user-changed':
      return { kind };
    case 'clock-behind':
      return { kind, cutoff: Number(rest[0]) };
    default:
      throw notRead(String(kind));
  }
}

function outcomeAtLimit(
  [unlogged, counted, records]: readonly unknown[],
  request: CreateSession,
  onDamage: OnDamage | undefined,
): CreateOutcome {
  const replaced = listIn(unlogged).map((pair) => texts(pair)[0] ?? '');
  const decision = decideAtLimit(request, texts(counted), replaced);
  if (decision.kind === 'full') return decision;
  const stored = texts(records);
  const { userId } = request.session;
  const sessions = decision.listed.map((other, index) =>
    summaryOfRecord(userId, other, stored[index] ?? '', onDamage),
  );
  return { kind: 'refused', sessions };
}

/** A damaged record counts towards the limit, so it is listed too: its user may end it. */
function summaryOfRecord(
  userId: string,
  sessionId: string,
  record: string,
  onDamage: OnDamage | undefined,
): SessionSummary {
  try {
    return summaryOf(parseSession(userId, sessionId, record));
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    onDamage?.({ what: 'session', id: sessionId });
    const createdAt = createdAtOf(sessionId) ?? 0;
    return { sessionId, deviceName: '', platform: '', createdAt, lastSeenAt: createdAt };
  }
}

/** Parses the reply of `read.lua` or `shorten.lua`. Throws `UnreadableRecord`. */
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
    case 'rotated': {
      const session = parseSession(userId, sessionId, rest[0] ?? '');
      return { kind, session, previousIpAddress: rest[1] ?? '' };
    }
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

/** Parses the reply of `end-others.lua`: ends that are not logged, oldest session first. */
export function parseEnds(reply: unknown, userId: string, now: number): readonly EndedSession[] {
  return endsOf(groupsOf(reply, userId, 3), now);
}

/** Parses the reply of `end-user.lua`. */
export function parseCutoff(reply: unknown, userId: string, now: number): UserCutoff {
  const [answered, cutoff, ...ends] = texts(reply);
  return { cutoff: Number(cutoff), unlogged: endsOf(groupsOf([answered, ...ends], userId, 3), now) };
}

function endsOf(groups: readonly (readonly string[])[], now: number): readonly EndedSession[] {
  return groups.map(([sessionId = '', ...ended]) => parseEnded(sessionId, ended, now)).toSorted(bySignIn);
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
  return listIn(reply).map(String);
}

function listIn(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('Redis replied with something other than a list');
  return reply;
}

function notRead(kind: string): Error {
  if (kind === 'unreadable') return new UnreadableRecord('it is not a session record');
  if (kind === 'later') return laterRecord();
  return new Error(`unexpected script reply: ${kind}`);
}
