import { describe, expect, test } from '@jest/globals';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import { devicePolicyLaw } from '../conformance/device-policy.ts';
import { outdatedSessionsLaw } from '../conformance/outdated-sessions.ts';
import { passedDeadlinesLaw } from '../conformance/passed-deadlines.ts';
import { sessionLimitLaw } from '../conformance/session-limit.ts';
import { sessionListLaw } from '../conformance/session-list.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { shortenedSessionsLaw } from '../conformance/shortened-sessions.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, atMost, DAY } from '../support/sessions.ts';

sessionStoreLaw('memory', (clock) => new MemorySessionStore(clock));
sessionLimitLaw('memory', (clock) => new MemorySessionStore(clock));
sessionListLaw('memory', (clock) => new MemorySessionStore(clock));
passedDeadlinesLaw('memory', (clock) => new MemorySessionStore(clock));
devicePolicyLaw('memory', (clock) => new MemorySessionStore(clock));
outdatedSessionsLaw('memory', (clock) => new MemorySessionStore(clock));
shortenedSessionsLaw('memory', (clock) => new MemorySessionStore(clock));

describe('the memory session store', () => {
  test('removes sessions and tombstones that are no longer needed', async () => {
    const clock = new ManualClock();
    const store = new MemorySessionStore(clock);
    const idle = aSession(clock.now());
    const create = (session = aSession(clock.now())) =>
      store.create({
        session,
        ...atMost(5),
        tombstoneTtlMs: DAY,
        now: clock.now(),
      });
    await create(idle);
    clock.advance(31 * DAY);
    expect(await store.read(idle.userId, idle.sessionId, clock.now())).toMatchObject({ kind: 'live' });
    await create();
    expect(await store.read(idle.userId, idle.sessionId, clock.now())).toEqual({ kind: 'missing' });
  });
});
