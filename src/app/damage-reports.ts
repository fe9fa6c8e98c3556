import type { Damage, OnDamage } from '../adapters/redis/stored-values.ts';
import type { Logger } from '../telemetry/logger.ts';

const MESSAGES: Readonly<Record<Damage['what'], string>> = {
  session: 'a session record in Redis is damaged; the session is refused, and its user can sign in again',
  revocation: 'an entry of the revocation log in Redis is damaged; its readable fields are applied',
  'audit event': 'an audit event in Redis is damaged; it was removed and is not in the audit trail',
};

const MAX_REMEMBERED = 1_000;

/** Logs each damaged record in Redis once, because clients retry a damaged session. */
export function damageReports(logger: Pick<Logger, 'error'>): OnDamage {
  const reported = new Set<string>();
  return ({ what, id }) => {
    const key = `${what} ${id}`;
    if (reported.has(key)) return;
    if (reported.size >= MAX_REMEMBERED) reported.clear();
    reported.add(key);
    logger.error({ id }, MESSAGES[what]);
  };
}
