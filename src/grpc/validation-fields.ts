import type { FieldIssues } from '../core/field-issues.ts';
import type { WatchRevocationsRequest } from '../gen/latchkey/v1/validation.ts';
import { isRevision } from '../validator/revision.ts';
import { millisecondsOf } from './messages/duration-message.ts';

const HEARTBEAT_MS = { min: 100, max: 10_000, default: 1_000 };

export function checkWatchRevocations(request: WatchRevocationsRequest, issues: FieldIssues): void {
  const { afterRevision, coveredSince, heartbeatInterval } = request;
  if (afterRevision !== '' && !isRevision(afterRevision)) {
    issues.add('after_revision', 'must be a revision sent by WatchRevocations');
  }
  if (afterRevision !== '' && coveredSince === undefined) {
    issues.add('covered_since', 'must be set with after_revision, as sent by WatchRevocations');
  }
  if (afterRevision === '' && coveredSince !== undefined) {
    issues.add('covered_since', 'must not be set without after_revision');
  }
  if (heartbeatInterval === undefined) return;
  const ms = millisecondsOf(heartbeatInterval);
  if (!(ms >= HEARTBEAT_MS.min && ms <= HEARTBEAT_MS.max)) {
    issues.add('heartbeat_interval', 'must be 0.1 to 10 seconds; if not set, it is one second');
  }
}

export function heartbeatMsOf({ heartbeatInterval }: WatchRevocationsRequest): number {
  return heartbeatInterval === undefined ? HEARTBEAT_MS.default : millisecondsOf(heartbeatInterval);
}
