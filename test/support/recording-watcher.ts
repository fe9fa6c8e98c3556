import type { Failure } from '../../src/core/failure.ts';
import type { SessionEnd } from '../../src/core/session/session-state.ts';
import type {
  AliveMessage,
  SessionWatcher,
  WatchedSession,
  WatcherSink,
} from '../../src/core/session/session-watcher.ts';
import type { SessionWatchers } from '../../src/core/session/session-watchers.ts';

/** A watcher of a session that records its messages. */
export class RecordingWatcher implements WatcherSink {
  readonly messages: AliveMessage[] = [];
  end: SessionEnd | undefined;
  failure: Failure | undefined;
  readonly watcher: SessionWatcher;
  /** Takes no message. */
  holds = false;

  constructor(watchers: SessionWatchers, session: WatchedSession, heartbeatMs = 1_000) {
    this.watcher = watchers.watch(session, this, heartbeatMs);
  }

  send(message: AliveMessage): void {
    this.messages.push(message);
    if (!this.holds) this.watcher.taken();
  }

  ended(end: SessionEnd): void {
    if (this.end !== undefined) throw new Error('a second end');
    this.end = end;
  }

  fail(failure: Failure): void {
    this.failure = failure;
  }

  get last(): AliveMessage | undefined {
    return this.messages.at(-1);
  }
}
