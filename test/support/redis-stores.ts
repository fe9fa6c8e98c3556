import {
  closeRedis,
  openRedis,
  type RedisAddress,
  reconnectRedis,
} from '../../src/adapters/redis/connection.ts';
import type { DurabilityOptions } from '../../src/adapters/redis/durability.ts';
import { watchFailover } from '../../src/adapters/redis/failover-watch.ts';
import { RedisAuditOutbox } from '../../src/adapters/redis/redis-audit-outbox.ts';
import { RedisLoginAttempts } from '../../src/adapters/redis/redis-login-attempts.ts';
import { RedisRevocationLog } from '../../src/adapters/redis/redis-revocation-log.ts';
import { RedisSessionStore } from '../../src/adapters/redis/redis-session-store.ts';
import type { Damage } from '../../src/adapters/redis/stored-values.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import type { Clock } from '../../src/validator/clock.ts';
import { HOUR } from './sessions.ts';

/** As the service sets it, for tests of its effects. */
export const SERVICE_DEADLINE_MS = 500;
/** Long enough for a busy machine. */
const PATIENT_DEADLINE_MS = 5_000;
const TAIL_WAIT_MS = 1_000;
/** As the service sets it by default. */
export const FAILURES_PER_NETWORK = 30;

export interface RedisStoresOptions {
  readonly durability?: DurabilityOptions;
  readonly retentionMs?: number;
  readonly clock?: Clock;
  readonly deadlineMs?: number;
  readonly maxBacklog?: number;
}

/** The Redis adapters on separate connections, as the composition root opens them. */
export class RedisStores {
  readonly sessions: RedisSessionStore;
  readonly log: RedisRevocationLog;
  readonly attempts: RedisLoginAttempts;
  readonly outbox: RedisAuditOutbox;
  /** The damage that was reported. */
  readonly damages: readonly Damage[];
  readonly #close: () => void;

  private constructor(
    sessions: RedisSessionStore,
    log: RedisRevocationLog,
    attempts: RedisLoginAttempts,
    outbox: RedisAuditOutbox,
    damages: readonly Damage[],
    close: () => void,
  ) {
    this.sessions = sessions;
    this.log = log;
    this.attempts = attempts;
    this.outbox = outbox;
    this.damages = damages;
    this.#close = close;
  }

  static async open(address: RedisAddress, options: RedisStoresOptions = {}): Promise<RedisStores> {
    const {
      durability = { waitReplicas: 0, waitMs: 300 },
      retentionMs = HOUR,
      clock = systemClock,
    } = options;
    const { deadlineMs = PATIENT_DEADLINE_MS } = options;
    const connect = (name: string, timeoutMs: number) =>
      openRedis(address, {
        ...{ name, deadlineMs: timeoutMs },
        onDown: () => undefined,
        onUp: () => undefined,
      });
    const commands = await connect('commands', deadlineMs);
    const replicated = await connect('replicated', deadlineMs);
    const tail = await connect('tail', TAIL_WAIT_MS + deadlineMs);
    const clients = [commands, replicated, tail];
    const onFailover = () => clients.forEach(reconnectRedis);
    const endWatch = watchFailover(address, { deadlineMs, onFailover });
    const damages: Damage[] = [];
    const onDamage = (damage: Damage) => void damages.push(damage);
    const common = { durability, deadlineMs, clock, onDamage };
    const { maxBacklog } = options;
    const bound = maxBacklog === undefined ? {} : { maxBacklog };
    return new RedisStores(
      new RedisSessionStore({ commands, replicated, ...common }),
      new RedisRevocationLog({ replicated, tail, retentionMs, ...common }),
      new RedisLoginAttempts({ commands, deadlineMs, clock, limits: loginLimits(FAILURES_PER_NETWORK) }),
      new RedisAuditOutbox({ commands, replicated, ...common, ...bound }),
      damages,
      () => {
        endWatch();
        clients.forEach(closeRedis);
      },
    );
  }

  close(): void {
    this.#close();
  }
}

export function singleRedis(port: number): Extract<RedisAddress, { readonly kind: 'single' }> {
  return { kind: 'single', tls: false, node: { host: '127.0.0.1', port }, db: 0 };
}
