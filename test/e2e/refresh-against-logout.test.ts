import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer } from '../support/redis-server.ts';
import { type Outcome, SessionServers } from '../support/session-servers.ts';
import { aUser } from '../support/users.ts';

/** How many interleavings to run: some thousands by default, 100,000 in `npm run test:interleavings`. */
const INTERLEAVINGS = Number(process.env['INTERLEAVINGS'] || '3000');
/** Repeats a failed run. */
const FIRST_SEED = Number(process.env['FIRST_SEED'] || '1');
const PROCESSES = 3;
const AT_ONCE = 48;
const MOST_TURNS = 12;

let redis: RedisServer;
let servers: SessionServers;

beforeAll(async () => {
  redis = await RedisServer.start();
  servers = await SessionServers.start(PROCESSES, redis.port);
}, 60_000);

afterAll(async () => {
  await servers?.stop();
  await redis?.stop();
});

/** The mulberry32 generator: the same numbers for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed * 0x9e3779b1;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

/** What is wrong after one interleaving; empty: nothing. */
async function interleave(seed: number): Promise<readonly string[]> {
  const roll = dice(seed);
  const user = aUser(seed);
  const somewhere = () => roll(PROCESSES);
  const somewhen = () => roll(MOST_TURNS);
  const issued: { accessToken: string; refreshToken: string }[] = [];
  const keep = (outcome: Outcome) => {
    const { accessToken, refreshToken } = outcome;
    if (accessToken !== undefined && refreshToken !== undefined) issued.push({ accessToken, refreshToken });
    return refreshToken;
  };

  let current = keep(await servers.ask(somewhere(), { kind: 'open', user, turns: 0 })) ?? '';
  if (roll(2) === 0) {
    current = keep(await servers.ask(somewhere(), { kind: 'refresh', user, token: current, turns: 0 })) ?? '';
  }

  // Each refreshes one to three times with its latest token. All begin with the same token.
  const refreshing = Array.from({ length: 1 + roll(3) }, async () => {
    let token: string | undefined = current;
    for (let times = 1 + roll(3); times > 0 && token !== undefined; times -= 1) {
      token = keep(await servers.ask(somewhere(), { kind: 'refresh', user, token, turns: somewhen() }));
    }
  });
  const loggingOut = Array.from({ length: 1 + roll(2) }, () => {
    const any = issued[roll(issued.length)];
    const token = (roll(2) === 0 ? any?.accessToken : any?.refreshToken) ?? '';
    return servers.ask(somewhere(), { kind: 'logout', user, token, turns: somewhen() });
  });
  const logouts = await Promise.all(loggingOut);
  await Promise.all(refreshing);
  return [...logouts.flatMap(notAnswered), ...(await usable(seed, user, issued, logouts))];
}

function notAnswered({ revision, failed }: Outcome): readonly string[] {
  return revision === undefined ? [`a logout answered ${failed}`] : [];
}

/** Asks again while no verdict is possible: on a busy machine a follower may be late. */
async function asked(at: number, question: Parameters<typeof servers.ask>[1]): Promise<Outcome> {
  const until = performance.now() + 20_000;
  for (;;) {
    const outcome = await servers.ask(at, question);
    if (outcome.failed !== 'STORE_UNAVAILABLE' || performance.now() > until) return outcome;
  }
}

/** Tokens that could still be used. */
async function usable(
  seed: number,
  user: ReturnType<typeof aUser>,
  issued: readonly { accessToken: string; refreshToken: string }[],
  logouts: readonly Outcome[],
): Promise<readonly string[]> {
  const found: string[] = [];
  const revision = logouts[0]?.revision ?? '';
  const looks = issued.flatMap(({ accessToken, refreshToken }, index) => {
    const at = (index + seed) % PROCESSES;
    return [
      asked(at, { kind: 'refresh', user, token: refreshToken, turns: 0 }).then(({ failed }) => {
        if (failed !== 'SESSION_ENDED') found.push(`refresh token ${index}: ${failed ?? 'a successor'}`);
      }),
      asked(at, { kind: 'validate', user, token: accessToken, turns: 0 }).then(({ verdict, failed }) => {
        if (verdict !== 'SESSION_ENDED') found.push(`access token ${index}, strong: ${verdict ?? failed}`);
      }),
      ...Array.from({ length: PROCESSES }, (_, process) =>
        asked(process, {
          kind: 'validate',
          user,
          token: accessToken,
          atLeastRevision: revision,
          turns: 0,
        }).then(({ verdict, failed }) => {
          if (verdict !== 'SESSION_ENDED') {
            found.push(`access token ${index} at process ${process}: ${verdict ?? failed}`);
          }
        }),
      ),
    ];
  });
  await Promise.all(looks);
  await Promise.all(
    Array.from({ length: PROCESSES }, (_, at) => servers.ask(at, { kind: 'forget', user, turns: 0 })),
  );
  return found;
}

describe('refresh against logout, in several processes on one Redis', () => {
  test(
    'leaves no usable token, whichever comes first',
    async () => {
      const faults: string[] = [];
      let seed = FIRST_SEED;
      const last = FIRST_SEED + INTERLEAVINGS;
      const lane = async () => {
        while (seed < last && faults.length < 20) {
          const mine = seed;
          seed += 1;
          for (const fault of await interleave(mine)) faults.push(`seed ${mine}: ${fault}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      expect(faults).toEqual([]);
      expect(seed).toBe(last);
    },
    60_000 + INTERLEAVINGS * 20,
  );
});
