import { SessionServiceService, type WatchSessionResponse } from '../../gen/latchkey/v1/session.ts';
import { bearer, type Caller } from './calls.ts';
import { durationOf } from './durations.ts';
import type { Watched, WatchOptions } from './open-watch.ts';
import type { NamesOf } from './option-names.ts';
import {
  endOfError,
  eventOf,
  isSameEvent,
  type SessionAlive,
  type SessionEnd,
  type SessionEvent,
} from './session-events.ts';

/**
 * Options of `watchSession`.
 *
 * @example
 * const options: WatchSessionOptions = { token: accessToken, signal: AbortSignal.timeout(1_000) };
 * const watch = latchkey.watchSession(options);
 */
export interface WatchSessionOptions extends WatchOptions {
  /**
   * Access token of the session to watch. A function is called for each stream that is opened, also after a lost
   * connection, so it should return a token that has not expired; it may be asynchronous. If it fails with reason
   * SESSION_ENDED, as `refresh` does, the watch ends with that end. Default: the client's `token` or `serviceAccount`.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
}

/**
 * The events of one session, as returned by `watchSession`. An iterator that is slow gets only the latest event.
 *
 * @example
 * const watch: SessionWatch = latchkey.watchSession({ token: accessToken });
 * watch.close();
 */
export interface SessionWatch extends AsyncIterable<SessionEvent> {
  /** Ends the watch. Iterators end without a further event. */
  close(): void;
}

export const SESSION_WATCH_OPTIONS: NamesOf<WatchSessionOptions> = { token: true, signal: true };
const HEARTBEAT_MS = 5_000;

/** A watch of a session. */
export function watchedSession(
  caller: Caller,
  options: WatchSessionOptions,
): Watched<SessionAlive | SessionEnd, WatchSessionResponse> {
  // From plain JavaScript, the options may be null. Then the watch has already failed.
  const token = options?.token;
  let alive: SessionAlive | undefined;
  return {
    method: 'WatchSession',
    token: typeof token === 'string' ? () => token : (token ?? caller.token),
    canRenewToken: typeof token !== 'string',
    forgetToken: token === undefined ? caller.forgetToken : undefined,
    silenceMs: 3 * HEARTBEAT_MS,
    open: (client, sent) => {
      const { path, requestSerialize, responseDeserialize } = SessionServiceService.watchSession;
      const request = { heartbeatInterval: durationOf(HEARTBEAT_MS) };
      return client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        bearer(sent),
      );
    },
    eventOf: (message) => {
      const event = eventOf(message, alive);
      if (event?.kind === 'alive') alive = event;
      return event;
    },
    endOfError,
    isLast: ({ kind }) => kind === 'ended',
    isSame: isSameEvent,
  };
}
