import type { Damage, OnDamage } from '../adapters/redis/damage.ts';
import type { Logger } from '../telemetry/logger.ts';

const MESSAGES: Readonly<Record<Damage['what'], string>> = {
  session:
    'the record of a session in Redis is damaged; the session is refused, and its user can sign in again',
  revocation: 'an entry of the revocation log in Redis is damaged; it counts for what can be read of it',
};

const MAX_REMEMBERED = 1_000;

/** Logs damage in Redis, each once: a damaged session is presented again and again. */
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
