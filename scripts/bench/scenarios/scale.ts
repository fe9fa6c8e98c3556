import { writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';
import { eventually } from '../../../test/support/eventually.ts';
import type { FloodResult } from '../load/flood.ts';
import { LOAD } from '../load/h2load.ts';
import { type Measurement, thousands } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { addRevocations, hasRead, type LogPlace, populate } from '../servers/population.ts';
import { Sessions } from '../servers/sessions.ts';
import { type Stand, withStand } from '../servers/stand.ts';
import { refreshesPerSecond } from './refresh.ts';
import { alternate, answersPerSecond, type Scale } from './rounds.ts';

/** The sessions that every arm uses. The small store holds only these. */
const USED = 1_000;
const REVOCATIONS = 100_000;
const WARM_UP_CALLS = 10_000;
/** Maximum bytes per session, including the fragmentation of Redis's memory. */
const BYTES_PER_SESSION = 800;
/** Memory for two services, two stores and the load, in addition to the sessions. */
const OTHER_BYTES = 400e6;

/** What grows with use: sessions in Redis, and revocations in every server's memory. */
export async function scale(options: Scale): Promise<readonly Measurement[]> {
  const needed = options.sessions * BYTES_PER_SESSION + OTHER_BYTES;
  if (freemem() < needed) {
    throw new Error(`scale needs ${needed / 1e9} GB of free memory; use --sessions=N with fewer sessions`);
  }
  return [...(await compareSessions(options)), ...(await compareRevocations(options))];
}

async function compareSessions(options: Scale): Promise<readonly Measurement[]> {
  return await withTwoStands(async (small, large) => {
    const few = await populate(small, USED, USED);
    const many = await populate(large, options.sessions, USED);
    const count = thousands(options.sessions);
    const rows = await compare(
      options,
      { ...(await warmArm(small, few.refreshTokens)), name: `${thousands(USED)} sessions` },
      { ...(await warmArm(large, many.refreshTokens)), name: `${count} sessions` },
    );
    return [
      ...rows,
      {
        what: 'A session in Redis',
        unit: 'bytes',
        measured: [many.bytesPerSession],
        bar: { kind: 'at most', value: 450 },
        notes: [
          `Growth of used_memory with ${count} sessions, for each of them: the record with a device label of 40 bytes ` +
            'and its entry in the index of its user, who has no other session.',
        ],
        details: { sessions: options.sessions },
      },
    ];
  });
}

async function compareRevocations(options: Scale): Promise<readonly Measurement[]> {
  return await withTwoStands(async (empty, full) => {
    const without = await warmArm(empty, (await populate(empty, USED, USED)).refreshTokens);
    const having = await warmArm(full, (await populate(full, USED, USED)).refreshTokens);
    const revocations = Math.min(REVOCATIONS, options.sessions);
    const { bytesPerEntry, lastRevision } = await addRevocations(full, revocations);
    const place = { revision: lastRevision, accessToken: having.sessions.accessTokens[0] ?? '' };
    await hasRead(full.latchkey.port, place);

    const count = thousands(revocations);
    const rows = await compare(
      options,
      { ...without, name: 'no live revocation' },
      { ...having, name: `${count} live revocations` },
    );
    const heaps = { empty: await heapAfterStart(empty), full: await heapAfterStart(full, place) };
    const common = { unit: 'bytes', details: { revocations, heaps } } as const;
    return [
      ...rows,
      {
        ...common,
        what: 'A revocation in the memory of a server',
        measured: [(heaps.full - heaps.empty) / revocations],
        notes: [
          `The heap of a server that has read ${count} revocations, minus that of one that has read none, after garbage ` +
            'collection. An entry is dropped once no access token of its session can be live, after 15 minutes.',
        ],
      },
      { ...common, what: 'A revocation in Redis', measured: [bytesPerEntry], notes: [] },
    ];
  });
}

/**
 * Heap size after garbage collection, once the log is read. Measured in a new process of the service without load,
 * because load fills caches.
 */
async function heapAfterStart(stand: Stand, place?: LogPlace): Promise<number> {
  const server = await stand.another([`--import=${import.meta.resolve('../servers/heap-probe.ts')}`]);
  if (place !== undefined) await hasRead(server.port, place);
  const heap = () => server.log.find((entry) => entry['msg'] === 'heap');
  process.kill(server.pid, 'SIGUSR2');
  await eventually(() => heap() !== undefined);
  await server.stop();
  return Number(heap()?.['usedBytes']);
}

interface Arm {
  readonly name: string;
  readonly sessions: Sessions;
  validate(seconds: number): Promise<FloodResult>;
}

/** Refreshes the sessions until the server is warm and each session has an access token. */
async function warmArm(stand: Stand, refreshTokens: readonly string[]): Promise<Omit<Arm, 'name'>> {
  const sessions = new Sessions(stand, refreshTokens);
  await sessions.refresh({ refreshes: WARM_UP_CALLS / 2 });
  const tokenFile = path.join(stand.folder, 'used-tokens.txt');
  writeFileSync(tokenFile, `${sessions.accessTokens.join('\n')}\n`);
  const { port } = stand.latchkey;
  return {
    sessions,
    validate: async (seconds) => {
      await using load = startModule<typeof import('../load/flood.ts')>('load/flood.ts');
      return await load.call('flood', { port, tokenFile, warmUp: WARM_UP_CALLS, seconds });
    },
  };
}

async function compare({ rounds, seconds }: Scale, small: Arm, large: Arm): Promise<readonly Measurement[]> {
  const validated = await alternate(rounds, {
    small: () => small.validate(seconds),
    large: () => large.validate(seconds),
  });
  const refreshed = await alternate(rounds, {
    small: () => small.sessions.refresh({ seconds }),
    large: () => large.sessions.refresh({ seconds }),
  });
  const common = { unit: 'per second', bar: { kind: 'ratio at least', value: 0.9 } } as const;
  return [
    {
      ...common,
      what: `Validate with ${large.name}`,
      measured: validated.large.map(answersPerSecond),
      reference: { name: small.name, values: validated.small.map(answersPerSecond) },
      notes: [
        `Two services side by side, each with its own Redis; ${thousands(USED)} tokens in turn, all seen before.`,
      ],
      details: validated,
    },
    {
      ...common,
      what: `Refresh with ${large.name}`,
      measured: refreshed.large.map(refreshesPerSecond),
      reference: { name: small.name, values: refreshed.small.map(refreshesPerSecond) },
      notes: [
        `${LOAD.connections * LOAD.inFlight} in flight over ${thousands(USED)} sessions that are spread evenly among all others.`,
      ],
      details: refreshed,
    },
  ];
}

async function withTwoStands<Result>(use: (one: Stand, other: Stand) => Promise<Result>): Promise<Result> {
  return await withStand(async (one) => await withStand(async (other) => await use(one, other)));
}
