import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { LoggedRevocation } from '../../src/core/revocation/revocation-log.ts';
import type { Session } from '../../src/core/session/session.ts';
import { SessionWatchers } from '../../src/core/session/session-watchers.ts';
import { type Revocation, RevocationSet } from '../../src/validator/revocation-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatcher } from '../support/recording-watcher.ts';
import { aSession, atMost, DAY, HOUR, ids } from '../support/sessions.ts';

/**
 * Sessions are opened, watched and ended. Ends are logged later, and read later still, or lost with the log. Reads of
 * records begin and return at any time in between. In the end every watcher of an ended session was told so once, and
 * no other watcher was.
 */

const REASON = 'ENDED_BY_ADMIN';

type Step = readonly [
  kind: 'open' | 'watch' | 'end' | 'end user' | 'log' | 'learn' | 'lose' | 'read',
  which: number,
];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    'open',
    'watch',
    'watch',
    'end',
    'end user',
    'log',
    'learn',
    'lose',
    'read',
    'read',
    'read',
  ),
  fc.nat(9),
);

class World {
  readonly clock = new ManualClock();
  readonly store = new MemorySessionStore(this.clock);
  readonly copy = new RevocationSet();
  readonly users = [ids.next(this.clock.now()), ids.next(this.clock.now())];
  readonly sessions: Session[] = [];
  readonly watching: RecordingWatcher[] = [];
  readonly watchers: SessionWatchers;
  readonly #scheduler: fc.Scheduler;
  /** Ends whose records are written, and which are not in the log. */
  #unlogged: Revocation[] = [];
  /** Entries of the log that the follower has not read. */
  #unread: Revocation[] = [];

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
    this.watchers = new SessionWatchers({
      store: { read: (...given) => this.#read(...given) },
      revocations: {
        endReasonOf: (userId, sessionId, createdAt) => this.copy.endReasonOf(userId, sessionId, createdAt),
      },
      clock: this.clock,
    });
  }

  async take([kind, which]: Step): Promise<void> {
    this.clock.advance(1);
    const now = this.clock.now();
    const userId = this.users[which % this.users.length] ?? '';
    const session = this.sessions[which % Math.max(1, this.sessions.length)];
    switch (kind) {
      case 'open': {
        const opened = aSession(now, { userId });
        await this.store.create({
          ...{ session: opened, now },
          ...{ ...atMost(1_000), tombstoneTtlMs: DAY },
        });
        this.sessions.push(opened);
        return;
      }
      case 'watch':
        if (session !== undefined && this.#watchersOf(session) < 10) this.#watch(session);
        return;
      case 'end':
        return session && this.#end(session, now);
      case 'end user':
        return this.#endUser(userId, now);
      case 'log':
        this.#unread.push(...this.#unlogged.splice(0, 1));
        return;
      case 'learn':
        this.#learn();
        return;
      case 'lose':
        this.#unread = [];
        this.watchers.restarted();
        return;
      case 'read':
        if (this.#scheduler.count() > 0) await this.#scheduler.waitOne();
        return;
    }
  }

  /** Logs and reads everything, and lets every read return. */
  async settle(): Promise<void> {
    this.#unread.push(...this.#unlogged.splice(0));
    this.#learn();
    // What a reply causes, for example the next command, is scheduled within a turn.
    for (let idleTurns = 0; idleTurns < 3; ) {
      idleTurns = this.#scheduler.count() > 0 ? 0 : idleTurns + 1;
      if (idleTurns === 0) await this.#scheduler.waitOne();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async isEnded({ watcher }: RecordingWatcher): Promise<boolean> {
    const { userId, sessionId } = watcher.session;
    return (await this.store.read(userId, sessionId, this.clock.now())).kind === 'ended';
  }

  #watch(session: Session): void {
    const watching = new RecordingWatcher(this.watchers, session, 60_000);
    this.watching.push(watching);
    void watching.watcher.read();
  }

  #watchersOf({ sessionId }: Session): number {
    return this.watching.filter(({ watcher }) => watcher.session.sessionId === sessionId).length;
  }

  async #end({ userId, sessionId }: Session, now: number): Promise<void> {
    await this.store.end({ userId, sessionId, reason: REASON, tombstoneTtlMs: DAY, now });
    const times = { endedAt: now, expiresAt: now + HOUR };
    this.#unlogged.push({ kind: 'session', userId, sessionId, reason: REASON, ...times });
  }

  async #endUser(userId: string, now: number): Promise<void> {
    const lives = { tombstoneTtlMs: DAY, cutoffTtlMs: DAY };
    const request = { userId, reason: REASON, securityVersion: 1, ...lives, now } as const;
    const { cutoff } = await this.store.endUser(request);
    const times = { endedAt: now, expiresAt: now + HOUR };
    this.#unlogged.push({ kind: 'user', userId, cutoff, reason: REASON, ...times });
  }

  #learn(): void {
    const entries = this.#unread.splice(0).map((revocation, index): LoggedRevocation => {
      this.copy.add(revocation);
      return { revision: `${this.clock.now()}-${index}`, revocation };
    });
    this.watchers.learned(entries);
    const [asOf, asOfMonotonic] = [this.clock.now(), this.clock.monotonic()];
    this.watchers.confirmed({ coveredSince: 1_000, asOf, asOfMonotonic, forgetUntil: 0 });
  }

  /** The command and its reply are on the way for any time. */
  async #read(...given: Parameters<MemorySessionStore['read']>) {
    await this.#scheduler.schedule(Promise.resolve(), 'command');
    const found = await this.store.read(...given);
    await this.#scheduler.schedule(Promise.resolve(), 'reply');
    return found;
  }
}

test('No end is missed and none is made up, whatever happens between opening a watch and its first message', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
      async (scheduler, steps) => {
        const world = new World(scheduler);
        for (const each of steps) await world.take(each);
        await world.settle();
        for (const watching of world.watching) {
          expect([watching.watcher.session.sessionId, watching.end?.reason]).toEqual([
            watching.watcher.session.sessionId,
            (await world.isEnded(watching)) ? REASON : undefined,
          ]);
          watching.watcher.close();
        }
        expect(world.watchers.size).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
}, 60_000);
