import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { AUDIT_KEYS } from '../../src/adapters/redis/keys.ts';
import { auditOutboxLaw } from '../conformance/audit-outbox.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';

/** Past the deadline of a step, whatever its round trip. */
const FROZEN_MS = SERVICE_DEADLINE_MS + 250;

let server: RedisServer;
let replica: RedisServer;
const opened: RedisStores[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  replica = await RedisServer.startReplica(server.port);
});

afterAll(async () => {
  await replica.stop();
  await server.stop();
});

beforeEach(() => server.with((redis) => redis.flushall()));

afterEach(() => {
  for (const stores of opened.splice(0)) stores.close();
});

async function open(options: Parameters<typeof RedisStores.open>[1] = {}) {
  const stores = await RedisStores.open(singleRedis(server.port), options);
  opened.push(stores);
  return stores;
}

auditOutboxLaw('Redis', async (maxBacklog) => {
  const { outbox } = await open({ maxBacklog });
  return { outbox, close: () => undefined };
});

test('an event whose stream id is now that of another one is not removed with it', async () => {
  const { outbox } = await open();
  await outbox.appendIfRoom([anAuditEvent(1)]);
  const { entries } = await outbox.read(10);
  const position = entries[0]?.position ?? '';
  // What a failover to a replica that is behind does: the entry is lost, and the next one gets its id.
  await server.with(async (redis) => {
    const stored = await redis.xrange(AUDIT_KEYS.stream, '-', '+');
    const [, [, , , text = ''] = []] = stored[0] ?? [];
    await redis.del(AUDIT_KEYS.stream);
    await redis.xadd(AUDIT_KEYS.stream, position, 'id', anAuditEvent(2).eventId, 'event', text);
  });
  await outbox.remove(entries);
  const after = await outbox.read(10);
  expect(after.entries.map(({ position: at, event }) => [at, event.eventId])).toEqual([
    [position, anAuditEvent(2).eventId],
  ]);
});

test('one process at a time moves events, and both know how many wait', async () => {
  const [one, two] = [await open(), await open()];
  await one.outbox.appendIfRoom([anAuditEvent(1)]);
  expect((await one.outbox.read(10)).entries).toHaveLength(1);
  expect(await two.outbox.read(10)).toEqual({ entries: [], backlog: 1 });
  await server.with((redis) => redis.del(AUDIT_KEYS.mover));
  expect((await two.outbox.read(10)).entries).toHaveLength(1);
  expect(await one.outbox.read(10)).toEqual({ entries: [], backlog: 1 });
});

test.each([
  ['no JSON', ['id', anAuditEvent(2).eventId, 'event', '{"at":']],
  ['no id', ['id', 'x', 'event', '{}']],
  ['a time that is none', ['id', anAuditEvent(2).eventId, 'event', '{"at":-1,"actor":{},"details":{}}']],
  ['other fields', ['a', 'b']],
])('an entry that is damaged (%s) is reported, removed, and holds up no other', async (_, fields) => {
  const { outbox, damages } = await open();
  await server.with((redis) => redis.xadd(AUDIT_KEYS.stream, '*', ...fields));
  await outbox.appendIfRoom([anAuditEvent(3)]);
  const { entries } = await outbox.read(10);
  expect(entries.map(({ event }) => event.eventId)).toEqual([anAuditEvent(3).eventId]);
  expect(damages).toMatchObject([{ what: 'audit event' }]);
  expect((await outbox.read(10)).backlog).toBe(1);
});

test('a person can read a waiting event with redis-cli', async () => {
  const { outbox } = await open();
  await outbox.appendIfRoom([anAuditEvent(1)]);
  const [entry] = await server.with((redis) => redis.xrange(AUDIT_KEYS.stream, '-', '+'));
  expect(entry?.[1]).toEqual([
    'id',
    anAuditEvent(1).eventId,
    'event',
    expect.stringContaining('"kind":"SessionEnded"'),
  ]);
});

test('an end is stored only when a replica has it; a sign-in does not wait for one', async () => {
  const { outbox } = await open({ durability: { waitReplicas: 1, waitMs: 300 } });
  await outbox.appendConfirmed(anAuditEvent(1));
  replica.freeze();
  try {
    expect((await failureOf(outbox.appendConfirmed(anAuditEvent(2)))).reason).toBe('END_UNCONFIRMED');
    expect(await outcomeOf(outbox.appendIfRoom([anAuditEvent(3)]))).toBe('ok');
  } finally {
    replica.thaw();
  }
});

test('an append that its caller gave up changes nothing when a frozen Redis goes on', async () => {
  const { outbox } = await open({ deadlineMs: SERVICE_DEADLINE_MS });
  await outbox.appendIfRoom([anAuditEvent(1)]);
  const began = performance.now();
  server.freeze();
  const late = [outbox.appendIfRoom([anAuditEvent(2)]), outbox.appendConfirmed(anAuditEvent(3))];
  const outcomes = await Promise.all(late.map(outcomeOf));
  // A script may run up to one round trip after its deadline.
  await eventually(() => performance.now() - began > FROZEN_MS);
  server.thaw();
  expect(outcomes).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
  expect(await server.with((redis) => redis.xlen(AUDIT_KEYS.stream))).toBe(1);
});
