import type {
  Revocation as RevocationMessage,
  WatchRevocationsResponse,
} from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import { type Revocation, RevocationSet } from '../validator/revocation-set.ts';
import type { RevocationView } from '../validator/validator.ts';
import { millisecondsOf } from './durations.ts';
import { endReasonName } from './validation-message.ts';

/** One moment by both clocks of this process. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** Where a stream can go on. */
export interface Position {
  readonly revision: string;
  readonly coveredSince: Date | undefined;
}

export function momentOf(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.now() };
}

/**
 * What the streams of WatchRevocations have told, and how current that is.
 *
 * Law: the age is never less than it truly is. The service says how long after taking up the stream, by its steady
 * clock, everything was known; here that is counted from the moment before the stream was opened, so a message that
 * was under way for long, or was held up in this process, is as old on arrival as it is. The age is measured with
 * both clocks and the larger counts: the steady one may stand still while the machine sleeps.
 */
export class HeardRevocations implements RevocationView {
  readonly #clock: Clock;
  readonly #set = new RevocationSet();
  readonly #started: Moment;
  /** The service's steady clock when it took up the stream, milliseconds; undefined: nothing was told on it yet. */
  #openedAt: number | undefined;
  #position: Position | undefined;
  #told: Date | undefined;
  #coveredSince = Number.POSITIVE_INFINITY;
  #asOf = 0;
  #forgottenUntil = 0;
  #revision: string | undefined;
  #known: Moment = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = momentOf(clock);
  }

  get revision(): string | undefined {
    return this.#revision;
  }

  get asOf(): number {
    return this.#asOf;
  }

  get ageMs(): number {
    return Math.max(this.#clock.monotonic() - this.#known.monotonic, this.#clock.now() - this.#known.wall);
  }

  get coveredSince(): number {
    return this.#coveredSince;
  }

  get forgottenUntil(): number {
    return this.#forgottenUntil;
  }

  /** Where the next stream goes on; undefined: at the beginning. */
  get position(): Position | undefined {
    return this.#position;
  }

  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    return this.#set.endReasonOf(userId, sessionId, sessionCreatedAt);
  }

  /** Another stream is about to tell: what `take` is given next begins with its start. */
  reopen(): void {
    this.#openedAt = undefined;
  }

  /**
   * Takes a message of a stream that was opened just after `opened`. Answers the revocations that were not known
   * before; what has ended stays ended, also where the log begins anew.
   */
  take(message: WatchRevocationsResponse, opened: Moment): readonly Revocation[] {
    const { start, revision } = message;
    if (start !== undefined) {
      this.#openedAt = millisecondsOf(start.openedAt);
      this.#told = start.coveredSince;
      // A log that began earlier than the last one is believed to do so once all of it has been told.
      this.#coveredSince = Math.max(this.#coveredSince, coverageOf(start.coveredSince));
    }
    const fresh = message.revocations.map(revocationOf).filter((revocation) => this.#learn(revocation));
    this.#position = revision === '' ? undefined : { revision, coveredSince: this.#told };
    this.#advance(message.freshness, opened);
    return fresh;
  }

  #learn(revocation: Revocation): boolean {
    if (this.#set.has(revocation)) return false;
    this.#set.add(revocation);
    return true;
  }

  #advance(freshness: WatchRevocationsResponse['freshness'], opened: Moment): void {
    const steady = millisecondsOf(freshness?.asOfMonotonic);
    if (freshness?.asOf === undefined || steady === undefined || this.#openedAt === undefined) return;
    // A date beyond what a Date can hold: no age can be told from it.
    if (Number.isNaN(freshness.asOf.getTime())) return;
    const sinceOpenedMs = steady - this.#openedAt;
    const now = momentOf(this.#clock);
    const known = {
      monotonic: Math.min(opened.monotonic + sinceOpenedMs, now.monotonic),
      wall: Math.min(opened.wall + sinceOpenedMs, now.wall),
    };
    // Another server may be behind the one that was heard before; what that one said stays true.
    if (known.monotonic < this.#known.monotonic) return;
    this.#known = known;
    this.#asOf = freshness.asOf.getTime();
    this.#revision = freshness.revision === '' ? undefined : freshness.revision;
    this.#coveredSince = coverageOf(this.#told);
    const forgetUntil = this.#forgettable(now);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, forgetUntil);
    this.#set.forget(forgetUntil);
  }

  /** By every clock there is this has passed: the service's, this process's, and that one had it not been set. */
  #forgettable({ wall, monotonic }: Moment): number {
    return Math.min(this.#asOf, wall, this.#started.wall + monotonic - this.#started.monotonic);
  }
}

function coverageOf(coveredSince: Date | undefined): number {
  return coveredSince?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** An ending of a scope that is not known here is taken for the widest: every session the user has had until then. */
function revocationOf({ userId, scope, endReason, endedAt, expiresAt }: RevocationMessage): Revocation {
  const ended = endedAt?.getTime() ?? 0;
  const shared = {
    userId,
    reason: endReasonName(endReason),
    endedAt: ended,
    expiresAt: expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
  if (scope?.$case === 'sessionId') return { kind: 'session', ...shared, sessionId: scope.value };
  return { kind: 'user', ...shared, cutoff: scope?.value.getTime() ?? ended };
}
