import { ReservedSessions, type ReservedSessionsOptions } from '../../src/core/sign-in/reserved-sessions.ts';
import { deviceTokens } from './attempts.ts';
import type { SessionWorld } from './session-world.ts';

export const RESERVED_GRACE = 30_000;

/** The sessions of tickets and flows on a server, assembled like the composition root does. */
export function reservedSessions(
  world: SessionWorld,
  risk: ReservedSessionsOptions['risk'],
): ReservedSessions {
  const { store, opener, sessionTokens: tokens, events, clock } = world;
  const users = { findById: (userId: string) => world.findUser(userId) };
  const devices = deviceTokens(clock);
  return new ReservedSessions({
    users,
    store,
    opener,
    tokens,
    devices,
    risk,
    events,
    clock,
    graceMs: RESERVED_GRACE,
  });
}
