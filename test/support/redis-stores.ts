import {
  closeRedis,
  openRedis,
  type RedisAddress,
  reconnectRedis,
} from '../../src/adapters/redis/connection.ts';
import type { Damage } from '../../src/adapters/redis/damage.ts';
import type { DurabilityOptions } from '../../src/adapters/redis/durability.ts';
import { watchFailover } from '../../src/adapters/redis/failover-watch.ts';
import { RedisRevocationLog } from '../../src/adapters/redis/redis-revocation-log.ts';
import { RedisSessionStore } from '../../src/adapters/redis/redis-session-store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import type { Clock } from '../../src/validator/clock.ts';
import { HOUR } from './sessions.ts';

const DEADLINE_MS = 500;
const TAIL_WAIT_MS = 1_000;

/** The Redis adapters on connections of their own, as the composition root opens them. */
export class RedisStores {
  readonly sessions: RedisSessionStore;
  readonly log: RedisRevocationLog;
  /** What it was told of damage. */
  readonly damages: readonly Damage[];
  readonly #close: () => void;

  private constructor(
    sessions: RedisSessionStore,
    log: RedisRevocationLog,
    damages: readonly Damage[],
    close: () => void,
  ) {
    this.sessions = sessions;
    this.log = log;
    this.damages = damages;
    this.#close = close;
  }

  static async open(
    address: RedisAddress,
    durability: DurabilityOptions = { waitReplicas: 0, waitMs: 300 },
    retentionMs: number = HOUR,
    clock: Clock = systemClock,
  ): Promise<RedisStores> {
    const connect = (name: string, deadlineMs: number) =>
      openRedis(address, {
        ...{ name, deadlineMs },
        onDown: () => undefined,
        onUp: () => undefined,
      });
    const commands = await connect('commands', DEADLINE_MS);
    const endings = await connect('endings', DEADLINE_MS);
    const tail = await connect('tail', TAIL_WAIT_MS + DEADLINE_MS);
    const clients = [commands, endings, tail];
    const onFailover = () => clients.forEach(reconnectRedis);
    const endWatch = watchFailover(address, { deadlineMs: DEADLINE_MS, onFailover });
    const damages: Damage[] = [];
    const onDamage = (damage: Damage) => void damages.push(damage);
    const common = { durability, deadlineMs: DEADLINE_MS, clock, onDamage };
    return new RedisStores(
      new RedisSessionStore({ commands, endings, ...common }),
      new RedisRevocationLog({ endings, tail, retentionMs, ...common }),
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
