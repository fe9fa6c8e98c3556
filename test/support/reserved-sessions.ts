import { ReservedSessions, type ReservedSessionsOptions } from '../../src/core/sign-in/reserved-sessions.ts';
import { deviceTokens } from './attempts.ts';
import type { SessionWorld } from './session-world.ts';

export const RESERVED_GRACE = 30_000;

type Risk = ReservedSessionsOptions['risk'];

/**
 * The sessions of tickets and flows on a server, assembled like the composition root does.
 *
 * @param risk what assesses a sign-in at that time.
 */
export function reservedSessions(world: SessionWorld, risk: () => Risk): ReservedSessions {
  const { store, opener, sessionTokens: tokens, events, clock, directory: users } = world;
  return new ReservedSessions({
    users,
    store,
    opener,
    tokens,
    devices: deviceTokens(clock),
    risk: {
      signIn: (...given) => risk().signIn(...given),
      signedIn: (...given) => risk().signedIn(...given),
    },
    events,
    clock,
    graceMs: RESERVED_GRACE,
  });
}
