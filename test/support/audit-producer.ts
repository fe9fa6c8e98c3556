/**
 * A process that stores audit events and moves them to SQL at the same time, as a server does, until all are moved or
 * somebody kills it. Run as `node audit-producer.ts <redis port> <file or postgres:// address> <from> <to> <dies after>`.
 * Event n is of the session `auditId(n)`; it prints n once the event is acknowledged. Once it has printed as many as it
 * dies after, it kills itself in the middle of a move: after the first change of a store.
 */
import { openPostgres } from '../../src/adapters/sql/postgres.ts';
import { openSqlite } from '../../src/adapters/sql/sqlite.ts';
import { AuditMover } from '../../src/core/audit/audit-mover.ts';
import { outcomeOf } from './failing.ts';
import { anAuditEvent } from './memory-audit.ts';
import { RedisStores, singleRedis } from './redis-stores.ts';

const IN_FLIGHT = 8;

const [port = '', place = '', from = '', to = '', diesAfter = ''] = process.argv.slice(2);
const database = place.startsWith('postgres:') ? openPostgres({ url: place }) : openSqlite({ file: place });
const stores = await RedisStores.open(singleRedis(Number(port)));
const mover = new AuditMover({ outbox: mortal(stores.outbox), trail: mortal(database.audit) });

let printed = 0;
let next = Number(from);
let isProducing = true;

/** The same store, whose `insert` and `remove` end the process when its time has come. */
function mortal<Store extends object>(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        const result: unknown = await value.apply(target, given);
        const changes = name === 'insert' || name === 'remove';
        if (changes && printed >= Number(diesAfter)) process.kill(process.pid, 'SIGKILL');
        return result;
      };
    },
  });
}

async function produce(): Promise<void> {
  while (next < Number(to)) {
    const n = next;
    next += 1;
    const event = anAuditEvent(n);
    const append = n % 2 === 0 ? stores.outbox.appendConfirmed(event) : stores.outbox.appendIfRoom([event]);
    // On a busy machine a store may answer too late: then the event is not acknowledged.
    if ((await outcomeOf(append)) !== 'ok') continue;
    process.stdout.write(`${n}\n`);
    printed += 1;
  }
}

async function move(): Promise<void> {
  while (isProducing) {
    await outcomeOf(mover.move());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const moving = move();
await Promise.all(Array.from({ length: IN_FLIGHT }, produce));
isProducing = false;
await moving;
stores.close();
await database.close();
