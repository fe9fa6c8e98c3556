import { type AuditOutbox, storeIn } from '../core/audit/audit-outbox.ts';
import type { Actor, SecurityEvent, SecurityEvents } from '../core/audit/security-event.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { ids } from './app-context.ts';

type Subscriber = SecurityEvents['publish'];

/**
 * Publishes security events to the metrics, the log and further subscribers.
 *
 * @param outbox where acknowledged events are stored.
 */
export function securityEvents(
  logger: Logger,
  metrics: Metrics,
  outbox: AuditOutbox,
  ...further: readonly Subscriber[]
): SecurityEvents {
  const subscribers = [countIn(metrics), logTo(logger), ...further];
  return {
    publish: (event) => {
      for (const subscriber of subscribers) subscriber(event);
    },
    store: storeIn(outbox, ids),
  };
}

function countIn(metrics: Metrics): Subscriber {
  return (event) => {
    metrics.countSecurityEvent(event.kind);
    if (event.kind === 'SignedIn') metrics.countLogin('opened');
    if (event.kind === 'SignInRefused') metrics.countLogin(event.reason || 'SESSION_LIMIT_REACHED');
    if (event.kind === 'SignInFailed') metrics.countLogin(event.reason);
  };
}

/** Logs events of every sign-in and refresh at `debug`, and events that an operator should see above that. */
function logTo(logger: Logger): Subscriber {
  return (event) => {
    switch (event.kind) {
      case 'PasswordRehashFailed':
        logger.warn(
          { userId: event.userId, err: event.cause },
          'password rehash failed; retrying at the next login',
        );
        return;
      case 'PasswordUnreadable':
        logger.error(
          { userId: event.userId },
          'the stored password cannot be read: it is damaged, or its master key is missing',
        );
        return;
      case 'SessionEnded':
        if (event.reason === 'REFRESH_TOKEN_REUSED') {
          logger.warn(fieldsOf(event), 'a rotated refresh token was used again; the session has ended');
        } else {
          logger.debug(fieldsOf(event), 'session ended');
        }
        return;
      case 'RiskAssessed':
        logger.info(fieldsOf(event), 'risk assessed');
        return;
      case 'PasswordChangeFailed':
        logger.info(fieldsOf(event), 'password change failed');
        return;
      case 'UserChanged':
        logger.info(fieldsOf(event), 'user changed');
        return;
      case 'SigningKeyRotated':
        logger.info(fieldsOf(event), 'signing key rotated');
        return;
      default:
        logger.debug(fieldsOf(event), 'security event');
    }
  };
}

/** One level deep: the logger omits nested values. */
function fieldsOf({ kind, at: _, actor, ...facts }: SecurityEvent) {
  const { origin, opened: _opened, ...others } = { origin: undefined, opened: undefined, ...facts };
  return { event: kind, ...actorFields(actor), ...others, ...origin };
}

function actorFields(actor: Actor) {
  if (actor.kind !== 'caller') return { actor: actor.kind };
  const { kind, userId, sessionId, clientId } = actor;
  return { actor: kind, actorUserId: userId, actorSessionId: sessionId, actorClientId: clientId };
}
