import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AUDIT_KEYS } from '../../src/adapters/redis/keys.ts';
import type { SqlDatabase } from '../../src/adapters/sql/sql-database.ts';
import { AuditMover } from '../../src/core/audit/audit-mover.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { eventually } from './eventually.ts';
import { outcomeOf } from './failing.ts';
import { auditId } from './memory-audit.ts';
import type { RedisServer } from './redis-server.ts';
import { RedisStores, singleRedis } from './redis-stores.ts';

const PRODUCER = fileURLToPath(new URL('./audit-producer.ts', import.meta.url));
/** More than a producer has under way when it is killed. */
const GAP = 100;

/** What became of the events of `produceUnderKills`. */
export interface KillsOutcome {
  /** Sessions of acknowledged events that the trail does not have. */
  readonly lost: readonly string[];
  /** Sessions with more than one event in the trail. */
  readonly twice: readonly string[];
  readonly acknowledged: number;
  readonly kills: number;
  /** What is left in the outbox. */
  readonly backlog: number;
}

/** Stores so many events in processes that are killed with SIGKILL again and again, then moves what is left. */
export async function produceUnderKills(
  { redis, database, place }: { redis: RedisServer; database: SqlDatabase; place: string },
  { events, killAfter }: { events: number; killAfter: number },
): Promise<KillsOutcome> {
  const acknowledged: number[] = [];
  let kills = 0;
  let from = 0;
  while (acknowledged.length < events) {
    const left = events - acknowledged.length;
    // In turn: it dies in the middle of a move, or at any moment.
    const diesAfter = kills % 2 === 0 ? killAfter : events;
    const args = [redis.port, place, from, from + left, diesAfter];
    const got = await produceUntilKilled(args, kills % 2 === 0 ? events : killAfter);
    if (got.wasKilled) kills += 1;
    acknowledged.push(...got.numbers);
    from = Math.max(from, ...got.numbers) + GAP;
    // The next process need not wait until the mark of the one that was killed expires.
    await redis.with((it) => it.del(AUDIT_KEYS.mover));
  }
  const stores = await RedisStores.open(singleRedis(redis.port));
  const mover = new AuditMover({ outbox: stores.outbox, trail: database.audit });
  await eventually(async () => (await outcomeOf(mover.move())) === 'ok' && mover.backlog === 0, 20_000);
  const { backlog } = await stores.outbox.read(1);
  stores.close();
  const counts = await eventsBySession(database);
  return {
    lost: acknowledged.map(auditId).filter((sessionId) => !counts.has(sessionId)),
    twice: [...counts].filter(([, count]) => count > 1).map(([sessionId]) => sessionId),
    ...{ acknowledged: acknowledged.length, kills, backlog },
  };
}

async function produceUntilKilled(args: readonly (string | number)[], killAfter: number) {
  const numbers: number[] = [];
  const child = spawn(process.execPath, [PRODUCER, ...args.map(String)], {
    env: { ...process.env, ...COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  createInterface(child.stdout).on('line', (line) => {
    numbers.push(Number(line));
    if (numbers.length === killAfter) child.kill('SIGKILL');
  });
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the producer ended with ${code ?? signal}`);
  return { numbers, wasKilled: signal === 'SIGKILL' };
}

async function eventsBySession({ audit }: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  let after: string | undefined;
  do {
    const page = await audit.list({}, 1_000, after);
    for (const { sessionId } of page.events) counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1);
    after = page.next;
  } while (after !== undefined);
  return counts;
}
