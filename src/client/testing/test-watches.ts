import { status } from '@grpc/grpc-js';
import type { AccessTokenClaims } from '../../validator/access-token.ts';
import type { Verdict } from '../../validator/verdict.ts';
import { cancelledError } from '../transport/cancellable.ts';
import { closedError } from '../transport/channels.ts';
import { LatchkeyError } from '../transport/errors.ts';
import { LatestEvents, watchIterator } from '../transport/latest-events.ts';
import { type EndedByName, endOfError, isSameEvent, type SessionEvent } from '../transport/session-events.ts';
import type { SessionWatch, WatchSessionOptions } from '../transport/session-watch.ts';
import type { EndReasonName } from '../transport/validation.ts';
import type { TestRevocations } from './test-revocations.ts';

/** As the service does by default. Sessions of a test do not end at their deadlines. */
const IDLE_MS = 7 * 86_400_000;
const MAX_LIFETIME_MS = 30 * 86_400_000;

/** Who ended a session, by its reason. The service is responsible for the others. */
const ENDED_BY: Partial<Record<EndReasonName, EndedByName>> = {
  UNSPECIFIED: 'UNSPECIFIED',
  LOGGED_OUT: 'USER',
  REPLACED: 'USER',
  ENDED_BY_USER: 'USER',
  ENDED_BY_ADMIN: 'OPERATOR',
  PASSWORD_CHANGED: 'UNSPECIFIED',
  USER_DISABLED: 'OPERATOR',
  USER_DELETED: 'OPERATOR',
};

interface WatchParts {
  readonly revocations: TestRevocations;
  /** Checks a token without its session. */
  readonly verify: (token: string) => Promise<Verdict>;
  readonly onOver: (watch: TestWatch) => void;
}

/** The watches of a test client. */
export class TestWatches {
  readonly #parts: Omit<WatchParts, 'onOver'>;
  readonly #open = new Set<TestWatch>();
  #isClosed = false;

  constructor(parts: Omit<WatchParts, 'onOver'>) {
    this.#parts = parts;
  }

  watch(options: WatchSessionOptions = {}): SessionWatch {
    const watch = new TestWatch({ ...this.#parts, onOver: (over) => this.#open.delete(over) }, options);
    this.#open.add(watch);
    if (this.#isClosed) watch.end(closedError());
    return watch;
  }

  /** Call it after a session has ended, and after the connection was lost or is there again. */
  update(): void {
    for (const watch of [...this.#open]) watch.update();
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of [...this.#open]) watch.end(closedError());
  }
}

/** One watch. As a real one, it starts at the first `next` and asks for its token each time it connects. */
class TestWatch implements SessionWatch {
  readonly #parts: WatchParts;
  readonly #options: WatchSessionOptions;
  readonly #events = new LatestEvents<SessionEvent>({
    isLast: ({ kind }) => kind === 'ended',
    isSame: isSameEvent,
  });
  readonly #onAbort = () => this.end(cancelledError());
  #isStarted = false;
  /** The session that the token names. Undefined: not connected. */
  #watched: AccessTokenClaims | undefined;

  constructor(parts: WatchParts, options: WatchSessionOptions) {
    this.#parts = parts;
    this.#options = options;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
  }

  [Symbol.asyncIterator](): AsyncIterator<SessionEvent> {
    return watchIterator(
      'WatchSession',
      () => this.#take(),
      () => this.close(),
    );
  }

  close(): void {
    this.end();
  }

  /** @param failure the next `next` fails with it. */
  end(failure?: LatchkeyError): void {
    this.#events.end(failure);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#parts.onOver(this);
  }

  update(): void {
    if (!this.#isStarted || this.#events.isOver) return;
    if (this.#parts.revocations.isDisconnected) {
      this.#watched = undefined;
      const error = new LatchkeyError(
        status.UNAVAILABLE,
        'The test client is disconnected from the service.',
      );
      this.#events.put({ kind: 'interrupted', error });
    } else if (this.#watched === undefined) void this.#connect();
    else this.#tell(this.#watched);
  }

  #take(): Promise<IteratorResult<SessionEvent>> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.update();
    }
    return this.#events.take();
  }

  async #connect(): Promise<void> {
    try {
      const { token } = this.#options;
      const verdict = await this.#parts.verify((typeof token === 'function' ? await token() : token) ?? '');
      if (this.#parts.revocations.isDisconnected) return;
      if (verdict.kind === 'rejected') throw refused(verdict.reason);
      this.#watched = verdict.claims;
      this.#tell(verdict.claims);
    } catch (error) {
      const end = error instanceof LatchkeyError ? endOfError(error) : undefined;
      if (end !== undefined) this.#events.put(end);
      this.end(error instanceof LatchkeyError ? error : failed(error));
    }
  }

  #tell({ userId, sessionId, sessionCreatedAt }: AccessTokenClaims): void {
    const end = this.#parts.revocations.endOf(userId, sessionId, sessionCreatedAt);
    if (end === undefined) {
      const idleDeadline = new Date(sessionCreatedAt + IDLE_MS);
      const absoluteDeadline = new Date(sessionCreatedAt + MAX_LIFETIME_MS);
      this.#events.put({ kind: 'alive', idleDeadline, absoluteDeadline });
      return;
    }
    const { reason: endReason, endedAt } = end;
    const endedBy = ENDED_BY[endReason] ?? 'SERVICE';
    this.#events.put({ kind: 'ended', endReason, endedAt: new Date(endedAt), endedBy });
    this.end();
  }
}

function refused(why: string): LatchkeyError {
  const reason = 'CALLER_UNAUTHENTICATED';
  return new LatchkeyError(status.UNAUTHENTICATED, `The access token was rejected: ${why}.`, { reason });
}

/** The function in the option token may throw anything. */
function failed(cause: unknown): LatchkeyError {
  return new LatchkeyError(
    status.INVALID_ARGUMENT,
    'The request could not be sent.',
    { isUnsent: true },
    cause,
  );
}
