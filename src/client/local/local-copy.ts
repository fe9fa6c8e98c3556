import type {
  Revocation as RevocationMessage,
  WatchRevocationsResponse,
} from '../../gen/latchkey/v1/validation.ts';
import type { Clock } from '../../validator/clock.ts';
import { type Revocation, RevocationSet } from '../../validator/revocation-set.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import { millisecondsOf } from '../transport/durations.ts';
import { endReasonName } from '../transport/validation-message.ts';

/** One instant by both clocks of this process, in milliseconds. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** The position from which a stream can resume. */
export interface Position {
  readonly revision: string;
  readonly coveredSince: Date | undefined;
}

export function momentOf(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.now() };
}

/**
 * The local copy of the revocations received from WatchRevocations, with its freshness.
 *
 * Law: the reported age is never less than the true age. The service states freshness by its monotonic clock, counted
 * from when it opened the stream. The client adds that to its own time from just before it opened the stream. So a
 * delayed message counts as old as it is. Both local clocks measure the age and the larger age counts, because the
 * monotonic clock may stop while the machine sleeps.
 */
export class LocalCopy implements RevocationCopy {
  readonly #clock: Clock;
  readonly #set = new RevocationSet();
  readonly #started: Moment;
  /** The service's monotonic clock when it opened the stream, in milliseconds. Undefined: no start message yet. */
  #openedAt: number | undefined;
  #position: Position | undefined;
  #startCoveredSince: Date | undefined;
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

  /** Where the next stream resumes. Undefined: at the beginning of the log. */
  get position(): Position | undefined {
    return this.#position;
  }

  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    return this.#set.endReasonOf(userId, sessionId, sessionCreatedAt);
  }

  /** Call this before a new stream opens. The next message that `apply` gets must carry its start. */
  reopen(): void {
    this.#openedAt = undefined;
  }

  /**
   * Applies a message of a stream that was opened just after `opened`. Returns the revocations that are new. Known
   * revocations are kept, even if the log starts over.
   */
  apply(message: WatchRevocationsResponse, opened: Moment): readonly Revocation[] {
    const { start, revision } = message;
    if (start !== undefined) {
      this.#openedAt = millisecondsOf(start.openedAt);
      this.#startCoveredSince = start.coveredSince;
      // Coverage may only grow after the whole log was received, so an earlier start does not count yet.
      this.#coveredSince = Math.max(this.#coveredSince, coverageOf(start.coveredSince));
    }
    const added = message.revocations.map(revocationOf).filter((revocation) => this.#learn(revocation));
    this.#position = revision === '' ? undefined : { revision, coveredSince: this.#startCoveredSince };
    this.#advance(message.freshness, opened);
    return added;
  }

  #learn(revocation: Revocation): boolean {
    if (this.#set.has(revocation)) return false;
    this.#set.add(revocation);
    return true;
  }

  #advance(freshness: WatchRevocationsResponse['freshness'], opened: Moment): void {
    const asOfMonotonic = millisecondsOf(freshness?.asOfMonotonic);
    if (freshness?.asOf === undefined || asOfMonotonic === undefined || this.#openedAt === undefined) return;
    // The timestamp is outside the range of Date, so it gives no age.
    if (Number.isNaN(freshness.asOf.getTime())) return;
    const sinceOpenedMs = asOfMonotonic - this.#openedAt;
    const now = momentOf(this.#clock);
    const known = {
      monotonic: Math.min(opened.monotonic + sinceOpenedMs, now.monotonic),
      wall: Math.min(opened.wall + sinceOpenedMs, now.wall),
    };
    // This server may be behind the previous one, whose freshness remains true.
    if (known.monotonic < this.#known.monotonic) return;
    this.#known = known;
    this.#asOf = freshness.asOf.getTime();
    this.#revision = freshness.revision === '' ? undefined : freshness.revision;
    this.#coveredSince = coverageOf(this.#startCoveredSince);
    const forgetUntil = this.#forgettable(now);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, forgetUntil);
    this.#set.forget(forgetUntil);
  }

  /** An instant that has passed by three clocks: the service's, the local wall clock, and the monotonic clock. */
  #forgettable({ wall, monotonic }: Moment): number {
    return Math.min(this.#asOf, wall, this.#started.wall + monotonic - this.#started.monotonic);
  }
}

function coverageOf(coveredSince: Date | undefined): number {
  return coveredSince?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** An unknown scope counts as the widest one: all sessions of the user up to the end. */
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
