import type { FieldIssues } from '../core/field-issues.ts';
import type { SessionWatchers } from '../core/session/session-watchers.ts';
import { SessionServiceService, WatchSessionRequest } from '../gen/latchkey/v1/session.ts';
import { createdAtOf } from '../validator/session-id.ts';
import { signedInCaller } from './call.ts';
import { type TokenSignatures, tokenHolders } from './interceptors/caller-auth.ts';
import { millisecondsOf } from './messages/duration-message.ts';
import { serverStreamingService } from './server-streaming.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { SessionStream } from './session-stream.ts';

/** Longer than for WatchRevocations: any user may call, and no verdict depends on the freshness. Milliseconds. */
const HEARTBEAT_MS = { min: 1_000, max: 60_000, default: 10_000 };

/** The rpc WatchSession of `latchkey.v1.SessionService`. */
export function sessionWatch(
  watchers: Pick<SessionWatchers, 'watch'>,
  tokens: TokenSignatures,
  environment: CallEnvironment,
): ServiceRegistration {
  const { watchSession } = SessionServiceService;
  return serverStreamingService(
    { watchSession },
    {
      watchSession: {
        request: WatchSessionRequest,
        callers: tokenHolders(tokens),
        check: checkWatchSession,
        handle: (request, call) => {
          const { userId, sessionId } = signedInCaller(call);
          const session = { userId, sessionId, createdAt: createdAtOf(sessionId) ?? 0 };
          return new SessionStream(watchers, call, session, heartbeatMsOf(request)).run();
        },
      },
    },
    environment,
  );
}

function checkWatchSession(request: WatchSessionRequest, issues: FieldIssues): void {
  const ms = heartbeatMsOf(request);
  if (!(ms >= HEARTBEAT_MS.min && ms <= HEARTBEAT_MS.max)) {
    issues.add('heartbeat_interval', 'must be 1 to 60 seconds; if not set, it is 10 seconds');
  }
}

function heartbeatMsOf({ heartbeatInterval }: WatchSessionRequest): number {
  return heartbeatInterval === undefined ? HEARTBEAT_MS.default : millisecondsOf(heartbeatInterval);
}
