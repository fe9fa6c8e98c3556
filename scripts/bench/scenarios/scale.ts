import { writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';
import { LOAD } from '../h2load.ts';
import type { FloodResult, RefreshResult } from '../jobs/job.ts';
import { runJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { heapAfterStart } from '../servers/heap.ts';
import { endOthers, hasRead, type LogPlace, populate } from '../servers/population.ts';
import { QUICK_COST, type Stand, withStand } from '../servers/stand.ts';
import { alternate, type Scale } from './rounds.ts';

/** The sessions that are used, in every arm; a small store holds these alone. */
const USED = 1_000;
const REVOCATIONS = 100_000;
const LANES = LOAD.connections * LOAD.inFlight;
const WARM_UP_CALLS = 10_000;
/** What a session may take at worst, the fragmentation of Redis' memory included. */
const BYTES_PER_SESSION = 800;
/** Two services, two stores and the load, beside what the sessions take. */
const BYTES_BESIDE = 400e6;
const SETTINGS = { LATCHKEY_BCRYPT_COST: String(QUICK_COST) };

/** What grows with use: sessions in Redis, and endings in every server's memory. Neither may be felt. */
export async function scale(options: Scale): Promise<readonly Measurement[]> {
  const needed = options.sessions * BYTES_PER_SESSION + BYTES_BESIDE;
  if (freemem() < needed) {
    throw new Error(
      `scale needs ${gigabytes(needed)} of free memory, there are ${gigabytes(freemem())}: --sessions=N takes fewer sessions`,
    );
  }
  return [...(await ofSessions(options)), ...(await ofRevocations(options))];
}

async function ofSessions(options: Scale): Promise<readonly Measurement[]> {
  return await withTwoStands(async (small, large) => {
    const few = await populate(small, USED, USED);
    const many = await populate(large, options.sessions, USED);
    const count = options.sessions.toLocaleString('en-US');
    const rows = await compare(
      options,
      {
        name: `${USED.toLocaleString('en-US')} sessions`,
        users: await SessionUsers.take(small, few.refreshTokens),
      },
      { name: `${count} sessions`, users: await SessionUsers.take(large, many.refreshTokens) },
    );
    return [
      ...rows,
      {
        what: 'A session in Redis',
        unit: 'bytes',
        measured: [many.bytesPerSession],
        bar: { kind: 'at most', value: 450 },
        notes: [
          `By how much used_memory grew with ${count} sessions, for each of them: the record with a device label of 40 bytes ` +
            'and its place in the index of its user, who has no other session.',
        ],
        details: { sessions: options.sessions },
      },
    ];
  });
}

async function ofRevocations(options: Scale): Promise<readonly Measurement[]> {
  return await withTwoStands(async (none, many) => {
    const arms = await Promise.all(
      [none, many].map(async (stand) => {
        const { refreshTokens } = await populate(stand, USED, USED);
        return await SessionUsers.take(stand, refreshTokens);
      }),
    );
    const [without, having] = arms;
    if (without === undefined || having === undefined) throw new RangeError('two stands, two arms');
    const revocations = Math.min(REVOCATIONS, options.sessions);
    const { bytesPerEntry, lastRevision } = await endOthers(many, revocations);
    const place: LogPlace = { revision: lastRevision, accessToken: having.accessTokens[0] ?? '' };
    await hasRead(many.latchkey.port, place);

    const count = revocations.toLocaleString('en-US');
    const rows = await compare(
      options,
      { name: 'no living revocation', users: without },
      { name: `${count} living revocations`, users: having },
    );
    const heaps = { empty: await heapAfterStart(none), full: await heapAfterStart(many, place) };
    const inform = { unit: 'bytes', bar: { kind: 'none' }, details: { revocations, heaps } } as const;
    return [
      ...rows,
      {
        ...inform,
        what: 'A revocation in the memory of a server',
        measured: [(heaps.full - heaps.empty) / revocations],
        notes: [
          `The heap of a server that has read ${count} endings less that of one that has read none, garbage taken out. ` +
            'An entry is dropped once no access token of its session can be alive, after 15 minutes.',
        ],
      },
      { ...inform, what: 'A revocation in Redis', measured: [bytesPerEntry], notes: [] },
    ];
  });
}

/** Used sessions of a stand, as a client has them. */
class SessionUsers {
  readonly #stand: Stand;
  #refreshTokens: readonly string[];
  #accessTokens: readonly string[] = [];

  private constructor(stand: Stand, refreshTokens: readonly string[]) {
    this.#stand = stand;
    this.#refreshTokens = refreshTokens;
  }

  /** Refreshes every session until the server is warm and each has an access token. */
  static async take(stand: Stand, refreshTokens: readonly string[]): Promise<SessionUsers> {
    const users = new SessionUsers(stand, refreshTokens);
    await users.refresh({ refreshes: WARM_UP_CALLS / 2 });
    const file = users.#tokenFile;
    writeFileSync(file, `${users.accessTokens.join('\n')}\n`);
    return users;
  }

  get accessTokens(): readonly string[] {
    return this.#accessTokens.filter((token) => token !== '');
  }

  async refresh(until: { seconds: number } | { refreshes: number }): Promise<RefreshResult> {
    const { port, pid } = this.#stand.latchkey;
    const result = await runJob<'refresh'>({
      kind: 'refresh',
      port,
      refreshTokens: this.#refreshTokens,
      lanes: LANES,
      until,
      serverPid: pid,
    });
    this.#refreshTokens = result.refreshTokens;
    this.#accessTokens = result.accessTokens;
    return result;
  }

  async validate(seconds: number): Promise<FloodResult> {
    const { port, pid } = this.#stand.latchkey;
    return await runJob<'flood'>({
      kind: 'flood',
      port,
      tokenFile: this.#tokenFile,
      warmUp: WARM_UP_CALLS,
      seconds,
      serverPid: pid,
    });
  }

  get #tokenFile(): string {
    return path.join(this.#stand.folder, 'used-tokens.txt');
  }
}

interface Arm {
  readonly name: string;
  readonly users: SessionUsers;
}

async function compare({ rounds, seconds }: Scale, small: Arm, large: Arm): Promise<readonly Measurement[]> {
  const validated = await alternate(rounds, {
    small: () => small.users.validate(seconds),
    large: () => large.users.validate(seconds),
  });
  const refreshed = await alternate(rounds, {
    small: async () => withoutTokens(await small.users.refresh({ seconds })),
    large: async () => withoutTokens(await large.users.refresh({ seconds })),
  });
  const validations = (run: FloodResult): number => run.answers / run.seconds;
  const refreshes = (run: { refreshes: number; seconds: number }): number => run.refreshes / run.seconds;
  const common = { unit: 'per second', bar: { kind: 'ratio at least', value: 0.9 } } as const;
  return [
    {
      ...common,
      what: `Validate with ${large.name}`,
      measured: validated.large.map(validations),
      reference: { name: small.name, values: validated.small.map(validations) },
      notes: [
        `Two services side by side, each with a Redis of its own; ${USED.toLocaleString('en-US')} tokens in turn, all seen before.`,
      ],
      details: validated,
    },
    {
      ...common,
      what: `Refresh with ${large.name}`,
      measured: refreshed.large.map(refreshes),
      reference: { name: small.name, values: refreshed.small.map(refreshes) },
      notes: [
        `${LANES} in flight over ${USED.toLocaleString('en-US')} sessions that lie evenly among all others.`,
      ],
      details: refreshed,
    },
  ];
}

function withoutTokens({ accessTokens: _, refreshTokens: __, ...rest }: RefreshResult) {
  return rest;
}

async function withTwoStands<Result>(use: (one: Stand, other: Stand) => Promise<Result>): Promise<Result> {
  return await withStand(
    SETTINGS,
    async (one) => await withStand(SETTINGS, async (other) => use(one, other)),
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
