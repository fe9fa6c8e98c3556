import { AuditMover } from '../core/audit/audit-mover.ts';
import type { AuditOutbox } from '../core/audit/audit-outbox.ts';
import type { AuditTrail } from '../core/audit/audit-trail.ts';
import { RepeatedEvents } from '../core/audit/repeated-events.ts';
import { limitedWarnings } from '../telemetry/limited-warnings.ts';
import { type AppContext, ids, MINUTE_MS } from './app-context.ts';

const MOVE_TICK_MS = 1_000;
/** How long a repeated event, such as a failed sign-in, may be only in the memory of this process. */
const FLUSH_TICK_MS = 5_000;

/** Starts the loops that move security events into the audit trail and delete old ones from it. */
export function openAudit(
  { config, clock, logger, closers }: AppContext,
  outbox: AuditOutbox,
  trail: AuditTrail,
): { readonly mover: AuditMover; readonly repeated: RepeatedEvents } {
  const repeated = new RepeatedEvents({ outbox, ids });
  const mover = new AuditMover({ outbox, trail });
  const log = limitedWarnings(logger, clock);
  const tick = (ms: number, message: string, work: () => Promise<void>) => {
    const timer = setInterval(() => {
      work().catch((error: unknown) => log.warn({ err: error }, message));
    }, ms);
    closers.add(() => clearInterval(timer));
  };
  const flush = () => repeated.flush(clock.now());
  closers.add(() => mover.close());
  // Counts that cannot be stored now are lost with the process. Acknowledged events are in the outbox already.
  closers.add(() => flush().catch(() => undefined));
  tick(MOVE_TICK_MS, 'audit events could not be moved to SQL; retrying', () => mover.move());
  tick(FLUSH_TICK_MS, 'counts of repeated security events could not be stored; retrying', flush);
  tick(MINUTE_MS, 'old audit events could not be deleted; retrying', () =>
    mover.deleteBefore(clock.now() - config.auditRetentionMs),
  );
  return { mover, repeated };
}
