import type { Failure } from '../core/failure.ts';
import type { SessionEnd } from '../core/session/session-state.ts';
import type {
  AliveMessage,
  SessionWatcher,
  WatchedSession,
  WatcherSink,
} from '../core/session/session-watcher.ts';
import type { SessionWatchers } from '../core/session/session-watchers.ts';
import { WatchSessionResponse } from '../gen/latchkey/v1/session.ts';
import { bytesOf } from './encoding.ts';
import { endedSessionMessage } from './messages/session-message.ts';
import { runWatch, type StreamingCall } from './server-streaming.ts';

/** One stream of WatchSession. */
export class SessionStream implements WatcherSink {
  readonly #call: StreamingCall;
  readonly #session: WatchedSession;
  readonly #watcher: SessionWatcher;
  readonly #done = Promise.withResolvers<void>();

  /** Fails with TOO_MANY_WATCHES. */
  constructor(
    watchers: Pick<SessionWatchers, 'watch'>,
    call: StreamingCall,
    session: WatchedSession,
    heartbeatMs: number,
  ) {
    this.#call = call;
    this.#session = session;
    this.#watcher = watchers.watch(session, this, heartbeatMs);
  }

  /** Sends messages until the stream ends. Resolves after it has sent the end of the session; rejects otherwise. */
  run(): Promise<void> {
    return runWatch(this.#call, this.#watcher, this.#done);
  }

  send({ deadlines, asOf }: AliveMessage): void {
    this.#write({ event: deadlines && { $case: 'alive', value: aliveOf(deadlines) }, asOf: dateOf(asOf) });
  }

  ended(end: SessionEnd): void {
    const value = endedSessionMessage({ sessionId: this.#session.sessionId, ...end });
    this.#write({ event: { $case: 'ended', value }, asOf: undefined });
    this.#done.resolve();
  }

  fail(failure: Failure): void {
    this.#done.reject(failure);
  }

  #write(message: WatchSessionResponse): void {
    try {
      this.#call.send(bytesOf(WatchSessionResponse, message), () => this.#watcher.taken());
    } catch (error) {
      this.#done.reject(error);
    }
  }
}

function aliveOf({ idleDeadline, absoluteDeadline }: NonNullable<AliveMessage['deadlines']>) {
  return { idleDeadline: new Date(idleDeadline), absoluteDeadline: new Date(absoluteDeadline) };
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
