import type { Clock } from '../../core/clock.ts';
import type { EndedSession } from '../../core/session/session.ts';
import type {
  CreateOutcome,
  CreateSession,
  EndSession,
  EndUserSessions,
  ReadOutcome,
  RotateOutcome,
  RotateSession,
  SessionStore,
  UserCutoff,
} from '../../core/session/session-store.ts';
import type { RedisClient } from './connection.ts';
import { type OnDamage, UnreadableRecord } from './damage.ts';
import { type DurabilityOptions, guarded, ReplicaConfirmation } from './durability.ts';
import { PROBE_KEY, type UserKeys, userKeys } from './keys.ts';
import { packId, packNumber, unpackId } from './packed-id.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { parseEnded, storedSession } from './session-record.ts';
import { expectOwn, parseRead, parseRotate, texts } from './session-reply.ts';

export interface RedisSessionStoreOptions {
  /** For steps that are answered at once. */
  readonly commands: RedisClient;
  /** For steps that may wait for replicas: endings, and reads with `waitReplicas`. They delay no other steps here. */
  readonly endings: RedisClient;
  readonly durability: DurabilityOptions;
  /** No operation takes longer, and Redis runs none later than this; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Told of records that cannot be read. Default: nobody. */
  readonly onDamage?: OnDamage;
}

const create = new Script('create');
const rotate = new Script('rotate');
const end = new Script('end');
const endUser = new Script('end-user');
const readOne = new Script('read');
const markLogged = new Script('mark-logged');

/** One probe for each user who signs in: gone soon. */
const PROBE_TTL_MS = 1_000;

/** The hash outlives the deadlines in it by up to an hour, each by its own share: a million do not expire in one second. */
const JITTER_MS = 3_600_000;

/** Sessions in Redis: one hash for each user, a tombstone for each that ended; every method one script. Keys: `keys.ts`. */
export class RedisSessionStore implements SessionStore {
  readonly #options: RedisSessionStoreOptions;
  readonly #commands: ScriptRunner;
  readonly #endings: ScriptRunner;
  readonly #replicas: ReplicaConfirmation;

  constructor(options: RedisSessionStoreOptions) {
    this.#options = options;
    const { commands, endings, deadlineMs, clock } = options;
    this.#commands = new ScriptRunner({ client: commands, deadlineMs, clock });
    this.#endings = new ScriptRunner({ client: endings, deadlineMs, clock });
    this.#replicas = new ReplicaConfirmation(options.endings, options.durability);
  }

  create(request: CreateSession): Promise<CreateOutcome> {
    return this.#guarded(this.#create(request));
  }

  rotate(request: RotateSession): Promise<RotateOutcome> {
    return this.#guarded(this.#orMissing(request.sessionId, this.#rotate(request)));
  }

  end(request: EndSession): Promise<EndedSession> {
    return this.#guarded(this.#end(request));
  }

  endUser(request: EndUserSessions): Promise<UserCutoff> {
    return this.#guarded(this.#endUser(request));
  }

  read(userId: string, sessionId: string, now: number): Promise<ReadOutcome> {
    return this.#guarded(this.#orMissing(sessionId, this.#read(userId, sessionId, now)));
  }

  async markLogged(userId: string, sessionId: string, revision: string): Promise<void> {
    const sid = packId(sessionId);
    const keys = sessionKeys(userKeys(userId), sid);
    try {
      await this.#guarded(this.#commands.run(markLogged, keys, [sid, revision]));
    } catch {
      // An ending that is not marked is logged a second time when it is repeated, which is harmless.
    }
  }

  async ping(userId?: string): Promise<void> {
    const { commands } = this.#options;
    // In a cluster the user's sessions are on one of several masters; elsewhere one key serves all.
    const key = userId !== undefined && commands.isCluster ? userKeys(userId).probe : PROBE_KEY;
    await this.#guarded(commands.set(key, '1', 'PX', PROBE_TTL_MS));
  }

  async #create({ session, securityVersion, maxSessionsPerUser, tombstoneTtlMs, now }: CreateSession) {
    const keys = userKeys(session.userId);
    const sid = packId(session.sessionId);
    const deadline = Math.min(session.idleDeadline, session.absoluteDeadline);
    const { record, pieces } = storedSession(session);
    const reply = await this.#commands.run(
      create,
      [...sessionKeys(keys, sid), keys.cutoff],
      [
        keys.tombstonePrefix,
        sid,
        session.createdAt,
        now,
        deadline - now + jitterOf(sid),
        securityVersion,
        maxSessionsPerUser,
        tombstoneTtlMs,
        record,
        ...pieces,
      ],
    );
    const [kind = '', answered, ...rest] = texts(reply);
    expectOwn(sid, answered);
    if (kind === 'user-changed') return { kind } as const;
    if (kind === 'clock-behind') return { kind, cutoff: Number(rest[0]) } as const;
    if (kind === 'full') {
      // A login that could not confirm the ends it needs must end nothing.
      await this.#replicas.provePrimary(keys.probe);
      return { kind, toEnd: rest.map(unpackId).sort() } as const;
    }
    const sids = rest.filter((_, index) => index % 2 === 0);
    const replaced = sids.map((other, index) =>
      parseEnded(unpackId(other), ['REPLACED', rest[2 * index + 1] ?? ''], now),
    );
    return { kind: 'created', replaced: replaced.sort(byAge) } as const;
  }

  async #rotate(request: RotateSession): Promise<RotateOutcome> {
    const { userId, sessionId, generation, securityVersion, now, tombstoneTtlMs } = request;
    const keys = userKeys(userId);
    const sid = packId(sessionId);
    const reply = await this.#commands.run(
      rotate,
      [...sessionKeys(keys, sid), keys.cutoff],
      [
        sid,
        generation,
        securityVersion,
        now,
        request.refreshGraceMs,
        request.idleTtlMs,
        tombstoneTtlMs,
        jitterOf(sid),
        packNumber(generation + 1) + packNumber(now),
        packNumber(now + request.idleTtlMs),
      ],
    );
    const outcome = parseRotate(reply, request);
    if ((outcome.kind === 'reused' || outcome.kind === 'ended') && isToBeConfirmed(outcome.ended)) {
      await this.#confirmEnded({ userId, ...outcome.ended, tombstoneTtlMs, now });
    }
    return outcome;
  }

  async #end({ userId, sessionId, reason, now, tombstoneTtlMs }: EndSession): Promise<EndedSession> {
    const keys = userKeys(userId);
    const sid = packId(sessionId);
    const args = [sid, reason, now, tombstoneTtlMs];
    const reply = await this.#endings.run(end, sessionKeys(keys, sid), args);
    const [answered, ...ended] = texts(reply);
    expectOwn(sid, answered);
    await this.#replicas.confirm(tombstoneKey(keys, sid), tombstoneTtlMs);
    return parseEnded(sessionId, ended, now);
  }

  /**
   * Makes what ended on the connection of commands durable: ends it once more on the one of endings, which changes
   * nothing unless that one has come to another primary by now, and waits there.
   */
  async #confirmEnded(how: EndSession): Promise<void> {
    if (this.#options.durability.waitReplicas > 0) await this.#end(how);
  }

  async #endUser(request: EndUserSessions): Promise<UserCutoff> {
    const { userId, reason, now, tombstoneTtlMs, cutoffTtlMs, securityVersion, createdUpTo } = request;
    const keys = userKeys(userId);
    const reply = await this.#endings.run(
      endUser,
      [keys.sessions, keys.cutoff],
      [keys.tombstonePrefix, reason, now, tombstoneTtlMs, cutoffTtlMs, securityVersion, createdUpTo ?? ''],
    );
    const [cutoff, ...ended] = texts(reply);
    await this.#replicas.confirm(keys.cutoff, cutoffTtlMs);
    return { cutoff: Number(cutoff), endedSessionIds: ended.map(unpackId) };
  }

  async #read(userId: string, sessionId: string, now: number): Promise<ReadOutcome> {
    const keys = userKeys(userId);
    const sid = packId(sessionId);
    const isProofNeeded = this.#options.durability.waitReplicas > 0;
    const runner = isProofNeeded ? this.#endings : this.#commands;
    const reply = await runner.run(readOne, sessionKeys(keys, sid), [sid]);
    await this.#replicas.provePrimary(keys.probe);
    return parseRead(reply, { userId, sessionId, now });
  }

  /** A record that cannot be read is as good as none, and reported. */
  async #orMissing<T>(sessionId: string, step: Promise<T>): Promise<T | { readonly kind: 'missing' }> {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#options.onDamage?.({ what: 'session', id: sessionId });
      return { kind: 'missing' };
    }
  }

  #guarded<T>(operation: Promise<T>): Promise<T> {
    return guarded('sessions', this.#options.deadlineMs, operation);
  }
}

/** A deadline has passed on every replica; and what is in the log was confirmed before it came there. */
function isToBeConfirmed({ reason, revision }: EndedSession): boolean {
  return revision === undefined && reason !== 'IDLE' && reason !== 'MAX_LIFETIME';
}

/** What every script on one session takes first. */
function sessionKeys(keys: UserKeys, sid: string): readonly [string, string] {
  return [keys.sessions, tombstoneKey(keys, sid)];
}

function tombstoneKey({ tombstonePrefix }: UserKeys, sid: string): string {
  return tombstonePrefix + sid;
}

function byAge(a: EndedSession, b: EndedSession): number {
  return a.sessionId < b.sessionId ? -1 : 1;
}

/** The same session has the same jitter always: the last letters of its id are random. */
function jitterOf(sid: string): number {
  const last = Number.parseInt(Buffer.from(sid.slice(-4)).toString('hex'), 16);
  return last % JITTER_MS;
}
