import { MAX_LISTED_SESSIONS } from '../../core/session/device-policy.ts';
import { passedDeadline } from '../../core/session/rotation.ts';
import { bySignIn, type EndedSession, type Session } from '../../core/session/session.ts';
import type {
  CreateOutcome,
  CreateSession,
  EndOtherSessions,
  EndOutdatedSessions,
  EndSession,
  EndUserSessions,
  ReadOutcome,
  RotateOutcome,
  RotateSession,
  SessionStore,
  ShortenSession,
  UserCutoff,
} from '../../core/session/session-store.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { RedisClient } from './connection.ts';
import { type DurabilityOptions, ReplicaConfirmation } from './durability.ts';
import { PROBE_KEY, type UserKeys, userKeys } from './keys.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { formatSession, parseEnded, UnreadableRecord } from './session-record.ts';
import {
  expectOwn,
  parseCreate,
  parseCutoff,
  parseEnds,
  parseList,
  parseRead,
  parseRotate,
  texts,
} from './session-reply.ts';
import type { OnDamage } from './stored-values.ts';

export interface RedisSessionStoreOptions {
  /** Connection for steps that do not wait for replicas. */
  readonly commands: RedisClient;
  /** Connection for steps that may wait for replicas: ends, and reads with `waitReplicas`. Never delays `commands`. */
  readonly replicated: RedisClient;
  readonly durability: DurabilityOptions;
  /** Time limit of each operation. Redis also refuses to run a script after it. Milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Called for each record that cannot be parsed. */
  readonly onDamage?: OnDamage;
}

/** The shared functions of scripts that read all sessions of a user. */
const OF_USER = ['session', 'session-id'];
/** The shared functions of scripts that need a living session. */
const OF_LIVING = ['session', 'living-session'];

const create = new Script('create', OF_USER);
const rotate = new Script('rotate', [...OF_LIVING, 'session-address']);
const end = new Script('end');
const endOthers = new Script('end-others', OF_USER);
const endUser = new Script('end-user', OF_USER);
const list = new Script('list', OF_USER);
const readOne = new Script('read', OF_LIVING);
const shorten = new Script('shorten', OF_LIVING);
const markLogged = new Script('mark-logged');

/** What `end.lua` does with a missing session. */
const MAY_BE_MISSING = '1';
const MUST_EXIST = '0';

/** TTL of a probe key. Short, because each user who signs in may get one. */
const PROBE_TTL_MS = 1_000;

/** Added to the TTL of a hash, up to an hour, so that a million hashes do not expire in the same second. */
const JITTER_MS = 3_600_000;

/** Stores sessions in Redis: a hash for each user, a tombstone for each ended session. Each method runs one script. */
export class RedisSessionStore implements SessionStore {
  readonly #options: RedisSessionStoreOptions;
  readonly #commands: ScriptRunner;
  readonly #replicated: ScriptRunner;
  readonly #replicas: ReplicaConfirmation;

  constructor(options: RedisSessionStoreOptions) {
    this.#options = options;
    const { commands, replicated, deadlineMs, clock } = options;
    this.#commands = new ScriptRunner({ client: commands, deadlineMs, clock });
    this.#replicated = new ScriptRunner({ client: replicated, deadlineMs, clock });
    this.#replicas = new ReplicaConfirmation(options.replicated, options.durability);
  }

  create(request: CreateSession): Promise<CreateOutcome> {
    return this.#inTime(() => this.#create(request));
  }

  rotate(request: RotateSession): Promise<RotateOutcome> {
    return this.#inTime(() => this.#orMissing(request.sessionId, this.#rotate(request)));
  }

  shorten(request: ShortenSession): Promise<ReadOutcome> {
    return this.#inTime(() => this.#orMissing(request.sessionId, this.#shorten(request)));
  }

  end(request: EndSession): Promise<EndedSession> {
    return this.#inTime(() => this.#end(request));
  }

  endKnown(request: EndSession): Promise<EndedSession | undefined> {
    return this.#inTime(() => this.#endKnown(request));
  }

  endOthers(request: EndOtherSessions): Promise<readonly EndedSession[]> {
    return this.#inTime(() => this.#endOthers(request));
  }

  endOutdated(request: EndOutdatedSessions): Promise<readonly EndedSession[]> {
    return this.#inTime(() => this.#endOutdated(request));
  }

  endUser(request: EndUserSessions): Promise<UserCutoff> {
    return this.#inTime(() => this.#endUser(request));
  }

  read(userId: string, sessionId: string, now: number): Promise<ReadOutcome> {
    return this.#inTime(() => this.#orMissing(sessionId, this.#read(userId, sessionId, now)));
  }

  list(userId: string, now: number): Promise<readonly Session[]> {
    return this.#inTime(() => this.#list(userId, now));
  }

  async markLogged(userId: string, sessionId: string, revision: string, now: number): Promise<void> {
    const keys = sessionKeys(userKeys(userId), sessionId);
    try {
      await this.#inTime(() => this.#commands.run(markLogged, keys, [sessionId, revision, now]));
    } catch {
      // Harmless: if the end is repeated, it is logged a second time.
    }
  }

  async ping(userId?: string): Promise<void> {
    const { commands } = this.#options;
    // In a cluster, probe the primary that holds the user's sessions. Otherwise one key is enough.
    const key = userId !== undefined && commands.isCluster ? userKeys(userId).probe : PROBE_KEY;
    await this.#inTime(() => commands.set(key, '1', 'PX', PROBE_TTL_MS));
  }

  async #create(request: CreateSession): Promise<CreateOutcome> {
    const { session, limit, tombstoneTtlMs, now } = request;
    const { sessionId } = session;
    const keys = userKeys(session.userId);
    const deadline = Math.min(session.idleDeadline, session.absoluteDeadline);
    const reply = await this.#commands.run(
      create,
      [...sessionKeys(keys, sessionId), keys.cutoff],
      [
        keys.tombstonePrefix,
        sessionId,
        now,
        deadline - now + jitterOf(sessionId),
        limit.maxSessions,
        tombstoneTtlMs,
        formatSession(session),
        limit.counted,
        limit.atLimit === 'refuse' ? MAX_LISTED_SESSIONS : 0,
      ],
    );
    const outcome = parseCreate(reply, request, this.#options.onDamage);
    // If replicas do not confirm, the ends that this login needs could not be confirmed either: end nothing.
    if (outcome.kind === 'full') await this.#replicas.provePrimary(keys.probe);
    return outcome;
  }

  async #rotate(request: RotateSession): Promise<RotateOutcome> {
    const { userId, sessionId, now, tombstoneTtlMs } = request;
    const keys = userKeys(userId);
    const reply = await this.#commands.run(
      rotate,
      [...sessionKeys(keys, sessionId), keys.cutoff],
      [
        sessionId,
        request.generation,
        request.securityVersion,
        request.outdatedReason ?? '',
        now,
        request.refreshGraceMs,
        request.idleTtlMs,
        tombstoneTtlMs,
        jitterOf(sessionId),
        request.clientId,
        request.ipAddress,
      ],
    );
    const outcome = parseRotate(reply, request);
    if ((outcome.kind === 'reused' || outcome.kind === 'ended') && needsConfirmation(outcome.ended)) {
      await this.#confirmEnded({ userId, ...outcome.ended, tombstoneTtlMs, now });
    }
    return outcome;
  }

  async #shorten(request: ShortenSession): Promise<ReadOutcome> {
    const { userId, sessionId, deadline } = request;
    const keys = sessionKeys(userKeys(userId), sessionId);
    const reply = await this.#commands.run(shorten, keys, [sessionId, deadline]);
    return parseRead(reply, request);
  }

  async #end(request: EndSession): Promise<EndedSession> {
    const ended = await this.#runEnd(request, MAY_BE_MISSING);
    await this.#replicas.confirm(
      tombstoneKey(userKeys(request.userId), request.sessionId),
      request.tombstoneTtlMs,
    );
    return parseEnded(request.sessionId, ended, request.now);
  }

  async #endKnown(request: EndSession): Promise<EndedSession | undefined> {
    const keys = userKeys(request.userId);
    const ended = await this.#runEnd(request, MUST_EXIST);
    if (ended.length === 0) {
      await this.#replicas.provePrimary(keys.probe);
      return undefined;
    }
    await this.#replicas.confirm(tombstoneKey(keys, request.sessionId), request.tombstoneTtlMs);
    return parseEnded(request.sessionId, ended, request.now);
  }

  /** Returns the tombstone; empty if the session is missing. */
  async #runEnd(request: EndSession, missing: string): Promise<readonly string[]> {
    const { userId, sessionId, reason, now, tombstoneTtlMs } = request;
    const args = [sessionId, reason, now, tombstoneTtlMs, missing];
    const reply = await this.#replicated.run(end, sessionKeys(userKeys(userId), sessionId), args);
    const [answered, ...ended] = texts(reply);
    expectOwn(sessionId, answered);
    return ended;
  }

  async #endOthers(request: EndOtherSessions): Promise<readonly EndedSession[]> {
    const keys = userKeys(request.userId);
    const ended = await this.#runEndOthers(request, '', '');
    const [first] = ended;
    // Replicas that hold one tombstone hold all of them: the script wrote them in one step.
    if (first === undefined) await this.#replicas.provePrimary(keys.probe);
    else await this.#replicas.confirm(tombstoneKey(keys, first.sessionId), request.tombstoneTtlMs);
    return ended;
  }

  async #endOutdated(request: EndOutdatedSessions): Promise<readonly EndedSession[]> {
    const { userId, securityVersion, cutoffTtlMs } = request;
    const ended = await this.#runEndOthers(request, securityVersion, cutoffTtlMs);
    await this.#replicas.confirm(userKeys(userId).cutoff, cutoffTtlMs);
    return ended;
  }

  async #runEndOthers(
    { userId, keptSessionId, reason, now, tombstoneTtlMs }: EndOtherSessions,
    securityVersion: number | '',
    cutoffTtlMs: number | '',
  ): Promise<readonly EndedSession[]> {
    const keys = userKeys(userId);
    const common = [keys.tombstonePrefix, userId, keptSessionId, reason, now, tombstoneTtlMs];
    const reply = await this.#replicated.run(
      endOthers,
      [keys.sessions, keys.cutoff],
      [...common, securityVersion, cutoffTtlMs],
    );
    return parseEnds(reply, userId, now);
  }

  /**
   * Confirms an end that was written on the `commands` connection. Repeats it on the `replicated` connection and waits
   * for replicas there. The repeat changes nothing unless `replicated` is connected to another primary by now.
   */
  async #confirmEnded(how: EndSession): Promise<void> {
    if (this.#options.durability.waitReplicas > 0) await this.#end(how);
  }

  async #endUser(request: EndUserSessions): Promise<UserCutoff> {
    const { userId, reason, now, tombstoneTtlMs, cutoffTtlMs, securityVersion, createdUpTo } = request;
    const keys = userKeys(userId);
    const times = [now, tombstoneTtlMs, cutoffTtlMs];
    const reply = await this.#replicated.run(
      endUser,
      [keys.sessions, keys.cutoff],
      [keys.tombstonePrefix, reason, ...times, securityVersion, createdUpTo ?? '', userId],
    );
    await this.#replicas.confirm(keys.cutoff, cutoffTtlMs);
    return parseCutoff(reply, userId, now);
  }

  async #read(userId: string, sessionId: string, now: number): Promise<ReadOutcome> {
    const keys = userKeys(userId);
    const reply = await this.#readFromPrimary(readOne, keys, sessionKeys(keys, sessionId), [sessionId]);
    return parseRead(reply, { userId, sessionId, now });
  }

  async #list(userId: string, now: number): Promise<readonly Session[]> {
    const keys = userKeys(userId);
    const reply = await this.#readFromPrimary(list, keys, [keys.sessions], [userId, now]);
    const sessions = parseList(reply, userId, (id) => this.#options.onDamage?.({ what: 'session', id }));
    return sessions
      .filter((session) => passedDeadline(session, now) === undefined)
      .toSorted(bySignIn)
      .reverse();
  }

  async #readFromPrimary(
    script: Script,
    { probe }: UserKeys,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const isProofNeeded = this.#options.durability.waitReplicas > 0;
    const reply = await (isProofNeeded ? this.#replicated : this.#commands).run(script, keys, args);
    await this.#replicas.provePrimary(probe);
    return reply;
  }

  /** Treats a record that cannot be parsed as missing, and reports it. */
  async #orMissing<T>(sessionId: string, step: Promise<T>): Promise<T | { readonly kind: 'missing' }> {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#options.onDamage?.({ what: 'session', id: sessionId });
      return { kind: 'missing' };
    }
  }

  #inTime<T>(operation: () => Promise<T>): Promise<T> {
    return answerInTime('sessions', this.#options.deadlineMs, operation);
  }
}

/** False for a passed deadline, which holds on every replica, and for a logged end, which was confirmed before. */
function needsConfirmation({ reason, revision }: EndedSession): boolean {
  return revision === undefined && reason !== 'IDLE' && reason !== 'MAX_LIFETIME';
}

/** The first two keys of every script on one session. */
function sessionKeys(keys: UserKeys, sessionId: string): readonly [string, string] {
  return [keys.sessions, tombstoneKey(keys, sessionId)];
}

function tombstoneKey({ tombstonePrefix }: UserKeys, sessionId: string): string {
  return tombstonePrefix + sessionId;
}

/** Derived from the random part of the session id, so that a session always has the same jitter. Milliseconds. */
function jitterOf(sessionId: string): number {
  return Number.parseInt(sessionId.slice(-8), 16) % JITTER_MS;
}
